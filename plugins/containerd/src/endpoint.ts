import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Interceptor } from '@grpc/grpc-js'
import { OrchError, shown, UsageError } from '@orch/oci'
import type { Client } from './client/types.ts'
import { isIdentifier } from './place.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What a plugin may be made with. */
export interface Watching {
  /** What sees every call before it is made: for tests, which do something to the daemon then. */
  readonly interceptors?: readonly Interceptor[]
}

/** Where a daemon is and which of its namespaces is meant. */
export interface Endpoint extends Watching {
  readonly address: string
  readonly namespace: string
  readonly tls: {
    readonly ca?: string | undefined
    readonly cert?: string | undefined
    readonly key?: string | undefined
  }
}

/** What may say so; the rest comes from the environment. */
export interface EndpointOptions {
  readonly address?: string | undefined
  readonly namespace?: string | undefined
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

const usual = '/run/containerd/containerd.sock'
/** Sockets of distributions that keep containerd elsewhere. */
const others = [
  '/run/k3s/containerd/containerd.sock',
  '/var/snap/microk8s/common/run/containerd.sock',
  '/run/docker/containerd/containerd.sock',
]

/** Fills in what ctr would: CONTAINERD_ADDRESS and CONTAINERD_NAMESPACE, else the usual socket and `default`. Throws `CONTAINERD_NAMESPACE_INVALID`. */
export function endpointOf(options: EndpointOptions, env: Environment, root: string): Endpoint {
  const { ca, cert, key } = options
  const file = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(root, path)
  const namespace = options.namespace ?? (env['CONTAINERD_NAMESPACE'] || 'default')
  if (!isIdentifier(namespace)) {
    throw new UsageError('CONTAINERD_NAMESPACE_INVALID', `${shown(namespace)} is no namespace`, {
      hint: 'Namespaces are letters and digits, with single . _ - between; see CONTAINERD_NAMESPACE.',
    })
  }
  return {
    address: options.address ?? (env['CONTAINERD_ADDRESS'] || usual),
    namespace,
    tls: { ca: file(ca), cert: file(cert), key: file(key) },
  }
}

/** How a daemon is reached. */
export interface Reaching {
  readonly signal: AbortSignal
  /** Nothing may touch the network: sockets only. */
  readonly offline: boolean
}

/**
 * Connects to the daemon. Throws `CONTAINERD_OFFLINE`, and what `connect` throws, with the hint naming
 * other sockets of this machine when the usual one is not there.
 */
export async function reach(
  { address, namespace, tls, interceptors = [] }: Endpoint,
  { signal, offline }: Reaching,
): Promise<Client> {
  if (offline && address.startsWith('tcp:')) {
    throw new UsageError('CONTAINERD_OFFLINE', `--offline forbids to connect to ${address}`, {
      hint: 'Use a socket of this machine, or leave --offline out.',
    })
  }
  // Loaded when it is needed: most commands do without.
  const { connect } = await import('./client/connect.ts')
  try {
    return await connect({ address, namespace, tls, signal, interceptors })
  } catch (error) {
    throw withOthers(error, address)
  }
}

function withOthers(error: unknown, address: string): unknown {
  if (!(error instanceof OrchError) || error.code !== 'CONTAINERD_UNREACHABLE') return error
  const found = others.filter(path => path !== address && existsSync(path))
  if (found.length === 0) return error
  const { code, message, cause } = error
  return new OrchError(code, message, {
    hint: `There is ${found.join(' and ')}: name it by address= or CONTAINERD_ADDRESS.`,
    cause,
  })
}
