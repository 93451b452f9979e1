import { isObject, type Json, OrchError, UsageError } from '@orch/oci'
import type { Endpoint } from './address.ts'
import { BadAnswer, engineError, Refusal } from './errors.ts'
import { platformOf } from './images.ts'
import { type Line, openLine } from './line.ts'
import { dockerode } from './modem.ts'
import { type Patience, RemoteEngine } from './remote.ts'
import type { Engine, EngineInfo } from './types.ts'
import { negotiate } from './version.ts'

/** How an engine is reached. */
export interface Reaching {
  readonly signal: AbortSignal
  /** Nothing may touch the network: sockets only. */
  readonly offline: boolean
  readonly patience?: Partial<Patience>
}

/** In milliseconds. An ssh that connects gives up by itself after half a minute. */
const usual: Patience = { first: 10_000, ssh: 40_000, answer: 60_000, work: 600_000 }

/**
 * Connects to an engine: asks for its version, chooses that of the API, and asks what it is. Throws
 * `DOCKER_OFFLINE`, `DOCKER_UNREACHABLE`, `DOCKER_DENIED`, `DOCKER_TLS`, `DOCKER_API`, `DOCKER_SILENT`,
 * `DOCKER_LOST`, `DOCKER_FAILED`, and the signal's reason.
 */
export async function connect(
  endpoint: Endpoint,
  { signal, offline, patience: given = {} }: Reaching,
): Promise<Engine> {
  const { kind } = endpoint.host
  if (offline && (kind === 'tcp' || kind === 'ssh'))
    throw new UsageError('DOCKER_OFFLINE', `--offline forbids to connect to ${endpoint.where}`, {
      hint: 'Use a socket of this machine, or leave --offline out.',
    })
  signal.throwIfAborted()
  const patience = { ...usual, ...given }
  const first = kind === 'ssh' ? patience.ssh : patience.first
  const line = await openLine(endpoint).catch(error => {
    throw engineError(endpoint, 'GET /version', error)
  })
  try {
    const info = await infoOf(line, signal, first)
    return new RemoteEngine(line, info, patience)
  } catch (error) {
    line.agent.destroy()
    signal.throwIfAborted()
    throw error
  }
}

async function infoOf(line: Line, signal: AbortSignal, patience: number): Promise<EngineInfo> {
  const { endpoint } = line
  const ask = async (apiVersion?: string): Promise<Json> =>
    (await dockerode(line, { signal, patience, apiVersion })).info()
  // At once, as each takes an engine some milliseconds; but a login for each would take longer.
  const early = endpoint.host.kind === 'ssh' ? undefined : ask().catch(() => undefined)
  const spoken = negotiate(endpoint, await versionOf(line, signal, patience))
  try {
    const info = (await early) ?? (await ask(spoken.apiVersion))
    const {
      DriverStatus: status,
      OSType: os,
      Architecture: architecture,
    } = isObject(info) ? info : {}
    const isContainerd =
      Array.isArray(status) &&
      status.some(
        pair =>
          Array.isArray(pair) &&
          pair[0] === 'driver-type' &&
          pair[1] === 'io.containerd.snapshotter.v1',
      )
    return {
      store: isContainerd ? 'containerd' : 'graph-driver',
      platform: platformOf(os, architecture),
      ...spoken,
    }
  } catch (error) {
    throw engineError(endpoint, 'GET /info', error)
  }
}

/** What the engine answers first; whoever else listens shows here. */
async function versionOf(line: Line, signal: AbortSignal, patience: number): Promise<unknown> {
  try {
    return await (await dockerode(line, { signal, patience })).version()
  } catch (error) {
    const isOther =
      (error instanceof Refusal && error.status !== 403 && error.status < 500) ||
      error instanceof BadAnswer ||
      (error instanceof Error && 'code' in error && /^HPE_/.test(String(error.code)))
    const meant = engineError(line.endpoint, 'GET /version', error)
    if (!isOther || !(meant instanceof OrchError) || meant.code === 'DOCKER_TLS') throw meant
    throw new OrchError(
      'DOCKER_API',
      `what listens at ${line.endpoint.where} is no Docker Engine: ${meant.message}`,
      {
        cause: error,
        hint: 'Give the address of an engine; that of containerd or buildkitd is another.',
      },
    )
  }
}
