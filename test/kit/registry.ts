import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { atEnd } from './cleanup.ts'
import { end, start } from './exec.ts'
import { freePort } from './listen.ts'
import { untilReady } from './ready.ts'
import { clientEnv, type RegistryOptions, writeConfig } from './registry-config.ts'
import { type RegistryVersion, registryProgram } from './registry-release.ts'
import { tempFolder } from './temp.ts'
import { startTokenServer, type TokenServer } from './token-server.ts'

/** A real registry of one's own, with nothing in it. */
export interface Registry {
  readonly version: RegistryVersion
  /** `127.0.0.1:23456`, or with tokens `localhost:23456`, as references name it; the same after a restart. */
  readonly host: string
  /** With its scheme. */
  readonly url: string
  /** Where its data is. */
  readonly root: string
  /** Who gives tokens for it, with `auth: 'token'`. */
  readonly tokens: TokenServer | undefined
  /** For programs that are to use it: crane, regctl, skopeo. */
  readonly env: Readonly<Record<string, string>>
  /** Of the process that runs now, or ran last. */
  readonly pid: number
  /** Ends it at once (SIGKILL), as a crash does, and waits for its end. */
  kill(): Promise<void>
  /** Ends it properly unless it has ended, starts it again on the same data and port, and waits until it answers. */
  restart(): Promise<void>
  /** Ends it. Happens by itself at the end of the test file. */
  stop(): Promise<void>
}

/**
 * Starts distribution on a port of 127.0.0.1: Debian's 2.8 unless told otherwise, open to all, over plain
 * HTTP. The account is `account` of token-server.ts.
 */
export async function startRegistry(
  options: RegistryOptions & { readonly version?: RegistryVersion } = {},
): Promise<Registry> {
  const { version = '2.8', tls = false } = options
  const folder = await tempFolder('registry')
  const root = options.root ?? join(folder, 'root')
  await mkdir(root, { recursive: true })
  // crane refuses a realm that is a loopback address in figures.
  const name = options.auth === 'token' ? 'localhost' : '127.0.0.1'
  const tokens = options.auth === 'token' ? await startTokenServer({ tls, name }) : undefined
  const port = await freePort()
  const host = `${name}:${port}`
  const address = `127.0.0.1:${port}`
  const facts = { folder, root, address, host, options, tokens }
  const config = await writeConfig(facts)

  // Distribution 3 tells a collector of traces about itself unless told not to.
  const quiet = { OTEL_TRACES_EXPORTER: 'none' }
  const launch = () => start(registryProgram(version), ['serve', config], { env: quiet })
  const ready = () => untilReady('the registry', server, () => listens(address))
  let server = launch()
  const stop = () => end(server)
  atEnd(stop)
  await ready()

  return {
    version,
    host,
    url: `${tls ? 'https' : 'http'}://${host}`,
    root,
    tokens,
    env: await clientEnv(facts),
    get pid() {
      return server.pid
    },
    async kill() {
      server.kill('SIGKILL')
      await server.done
    },
    async restart() {
      await stop()
      server = launch()
      await ready()
    },
    stop,
  }
}

async function listens(address: string): Promise<boolean> {
  const [host, port] = address.split(':')
  const socket = connect(Number(port), host)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
