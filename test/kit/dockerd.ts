import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { json, text } from 'node:stream/consumers'
import { atEnd } from './cleanup.ts'
import { type Containerd, startContainerd } from './containerd.ts'
import { endTasks, removeGroups, unmountUnder } from './containerd-cleanup.ts'
import { containerdProgram } from './containerd-release.ts'
import { writeClientTls, writeConfig } from './dockerd-config.ts'
import { containerdOf, type DockerdVersion, dockerdProgram } from './dockerd-release.ts'
import { end, exec, type Outcome, start } from './exec.ts'
import { freePort } from './listen.ts'
import { untilReady } from './ready.ts'
import { tempFolder } from './temp.ts'

/** A Docker Engine of one's own, with nothing in it. */
export interface Dockerd {
  readonly version: DockerdVersion
  /** The path of its socket, and the same as DOCKER_HOST says it. */
  readonly socket: string
  readonly host: string
  /** Where it also listens, with `tls`: as DOCKER_HOST and DOCKER_CERT_PATH say it. */
  readonly tls: { readonly host: string; readonly certificates: string } | undefined
  /** The containerd below it. Docker's namespace there is `moby`. */
  readonly containerd: Containerd
  /** Of the process that runs now, or ran last. */
  readonly pid: number
  /** Runs the docker command line with it. A bad exit code is an answer, not an error. */
  docker(args: readonly string[]): Promise<Outcome>
  /** `docker load` of an archive. */
  load(file: string): Promise<Outcome>
  /** Runs an image that it has with `docker run --rm`, without a network, and waits for its end. */
  run(reference: string, platform?: string, args?: readonly string[]): Promise<Outcome>
  /** What its API answers to a GET of the path, which begins with a slash. Throws when it refuses. */
  get(path: string): Promise<unknown>
  /** The API's `/info`. */
  info(): Promise<Readonly<Record<string, unknown>>>
  /** The names of its images, sorted. */
  images(): Promise<string[]>
  /** Ends it at once (SIGKILL), as a crash does; its containers and containerd go on. Waits for its end. */
  kill(): Promise<void>
  /** Ends it (SIGTERM) unless it has ended, starts it again on the same data, and waits until it answers. */
  restart(): Promise<void>
  /** Ends it, its containerd, what they run and what they mounted. Happens by itself at the end of the test file. */
  stop(): Promise<void>
}

interface DockerdOptions {
  readonly version: DockerdVersion
  /** Where all its data goes, containerd's too: for example a small disk; a temporary folder unless told otherwise. */
  readonly root?: string
  /** Listens on a port of 127.0.0.1 too, for clients that the kit's authority has certified. */
  readonly tls?: boolean
}

/** Starts a Docker Engine on a private socket, over a containerd of its own. Needs root. */
export async function startDockerd(options: DockerdOptions): Promise<Dockerd> {
  const { version, tls = false } = options
  const folder = await tempFolder('dockerd')
  const root = options.root ?? join(folder, 'root')
  const data = join(root, 'docker')
  await mkdir(data, { recursive: true })
  const below = containerdOf(version)
  const containerd = await startContainerd({ version: below, root: join(root, 'containerd') })

  const socket = join(folder, 'docker.sock')
  const host = `unix://${socket}`
  const remote = tls
    ? { host: `tcp://127.0.0.1:${await freePort()}`, certificates: await writeClientTls(folder) }
    : undefined
  const hosts = [host, ...(remote ? [remote.host] : [])]
  const group = `orch-test-${randomBytes(4).toString('hex')}`
  const facts = { version, folder, data, containerd: containerd.address, group, hosts, tls }
  const config = await writeConfig(facts)

  const launch = () => start(dockerdProgram(version), ['--config-file', config])
  const ready = () => untilReady('dockerd', daemon, () => answers(socket))
  let daemon = launch()
  let stopping: Promise<void> | undefined
  const stop = () => (stopping ??= stopAll())
  atEnd(stop)

  async function stopAll(): Promise<void> {
    // It would wait for containers that do not want to end.
    await endTasks(containerdProgram(below, 'ctr'), containerd.address)
    await end(daemon)
    await containerd.stop()
    await unmountUnder(folder)
    // It mounts its data root on itself.
    await unmountUnder(root)
    await removeGroups(group)
  }

  await ready()
  const clientConfig = join(folder, 'client')
  await mkdir(clientConfig)
  const env = {
    DOCKER_HOST: host,
    DOCKER_CONFIG: clientConfig,
    DOCKER_CONTEXT: undefined,
    DOCKER_TLS_VERIFY: undefined,
    DOCKER_CERT_PATH: undefined,
    DOCKER_API_VERSION: undefined,
  }
  const docker: Dockerd['docker'] = args => exec('docker', args, { env })
  const get: Dockerd['get'] = path => ask(socket, path)
  return {
    version,
    socket,
    host,
    tls: remote,
    containerd,
    get pid() {
      return daemon.pid
    },
    docker,
    load: file => docker(['load', '--input', file]),
    run(reference, platform, args = []) {
      const where = platform === undefined ? [] : ['--platform', platform]
      const how = ['--rm', '--network', 'none', '--pull', 'never', ...where]
      return docker(['run', ...how, reference, ...args])
    },
    get,
    info: async () => (await get('/info')) as Record<string, unknown>,
    async images() {
      const images = (await get('/images/json')) as { RepoTags: string[] | null }[]
      return images.flatMap(({ RepoTags }) => RepoTags ?? []).sort()
    },
    async kill() {
      daemon.kill('SIGKILL')
      await daemon.done
    },
    async restart() {
      await end(daemon)
      daemon = launch()
      await ready()
    },
    stop,
  }
}

async function answers(socket: string): Promise<boolean> {
  return await ask(socket, '/info', 10_000).then(
    () => true,
    () => false,
  )
}

/**
 * A GET of Docker's API: the JSON it answers. Throws with its text when that is an error, and when nothing has
 * come after so many milliseconds.
 */
async function ask(socketPath: string, path: string, milliseconds = 60_000): Promise<unknown> {
  const signal = AbortSignal.timeout(milliseconds)
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ socketPath, path, signal }, resolve).on('error', reject).end()
  })
  if (answer.statusCode === 200) return await json(answer)
  throw new Error(`GET ${path}: ${answer.statusCode} ${await text(answer)}`)
}
