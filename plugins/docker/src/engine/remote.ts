import { atOnce } from '@orch/oci'
import { engineError, Refusal } from './errors.ts'
import { readImage, readList } from './images.ts'
import type { Line } from './line.ts'
import { type Load, load } from './load.ts'
import { type Client, dockerode } from './modem.ts'
import type { Engine, EngineImage, EngineInfo, ListedImage } from './types.ts'
import { isOlder, tellsManifests } from './version.ts'

/** How long nothing may move while the engine is the one to act, in milliseconds. */
export interface Patience {
  /** When it is reached, and when it is reached by ssh. */
  readonly first: number
  readonly ssh: number
  /** When it only has to look something up. */
  readonly answer: number
  /** When it unpacks or packs images. */
  readonly work: number
}

/** How many images are looked at together. */
const together = 8

/** An engine that is spoken to over a line. */
export class RemoteEngine implements Engine {
  readonly info: EngineInfo
  readonly where: string
  readonly atOnce: number
  readonly #line: Line
  readonly #patience: Patience

  constructor(line: Line, info: EngineInfo, patience: Patience) {
    this.#line = line
    this.#patience = patience
    this.info = info
    this.where = line.endpoint.where
    this.atOnce = line.agent.maxSockets
  }

  async inspect(nameOrId: string, signal: AbortSignal): Promise<EngineImage | undefined> {
    return await this.#call(`GET /images/${nameOrId}/json`, signal, async docker => {
      try {
        return readImage(await docker.getImage(escaped(nameOrId)).inspect(this.#manifests()))
      } catch (error) {
        if (error instanceof Refusal && error.status === 404) return undefined
        throw error
      }
    })
  }

  async images(signal: AbortSignal): Promise<readonly ListedImage[]> {
    const listed = await this.#call('GET /images/json', signal, async docker =>
      readList(await docker.listImages(this.#manifests())),
    )
    if (this.info.store === 'containerd') return listed
    const found = await atOnce(listed, ({ id }) => this.inspect(id, signal), together)
    return found.filter(image => image !== undefined)
  }

  async tag(id: string, name: string, signal: AbortSignal): Promise<boolean> {
    const at = /:[^:/]+$/.exec(name)?.index ?? name.length
    const [repo, tag] = [name.slice(0, at), name.slice(at + 1) || 'latest']
    return await this.#call(`POST /images/${id}/tag`, signal, docker =>
      unless([404], docker.getImage(escaped(id)).tag({ repo, tag })),
    )
  }

  async remove(id: string, signal: AbortSignal): Promise<boolean> {
    return await this.#call(`DELETE /images/${id}`, signal, docker =>
      unless([404, 409], docker.getImage(escaped(id)).remove()),
    )
  }

  async load(
    archive: AsyncIterable<Uint8Array>,
    { signal, ...given }: Omit<Load, 'archive'> & { readonly signal: AbortSignal },
  ): Promise<void> {
    const { apiVersion } = this.info
    const calling = { signal, apiVersion, patience: this.#patience.work }
    await load(this.#line, calling, { archive, ...given })
  }

  async save(names: readonly string[], signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const what = 'GET /images/get'
    const calling = {
      signal,
      apiVersion: this.info.apiVersion,
      patience: this.#patience.work,
    }
    try {
      const docker = await dockerode(this.#line, calling)
      return this.#named(await docker.getImages({ names }), what, signal)
    } catch (error) {
      signal.throwIfAborted()
      throw engineError(this.#line.endpoint, what, error)
    }
  }

  close(): void {
    this.#line.agent.destroy()
  }

  /** What an answer throws, as an error of ours. */
  async *#named(
    answer: NodeJS.ReadableStream,
    what: string,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* answer as AsyncIterable<Buffer>
    } catch (error) {
      signal.throwIfAborted()
      throw engineError(this.#line.endpoint, what, error)
    }
  }

  async #call<T>(
    what: string,
    signal: AbortSignal,
    ask: (docker: Client) => Promise<T>,
  ): Promise<T> {
    const { apiVersion } = this.info
    const calling = { signal, apiVersion, patience: this.#patience.answer }
    try {
      return await ask(await dockerode(this.#line, calling))
    } catch (error) {
      signal.throwIfAborted()
      throw engineError(this.#line.endpoint, what, error)
    }
  }

  #manifests(): { manifests?: true } {
    return isOlder(this.info.apiVersion, tellsManifests) ? {} : { manifests: true }
  }
}

/** Whether a call was not refused with one of these statuses. */
async function unless(statuses: readonly number[], call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return true
  } catch (error) {
    if (error instanceof Refusal && statuses.includes(error.status)) return false
    throw error
  }
}

/** A name as part of a path; its slashes stay, since the API takes them. */
function escaped(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/')
}
