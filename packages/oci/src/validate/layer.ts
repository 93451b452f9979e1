import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import tar from 'tar-stream'
import type { Blob } from '../blob/blob.ts'
import { verifiedBytes } from '../blob/verify.ts'
import { decompress, sniffCompression } from '../compress/decompress.ts'
import { type Digest, Digester } from '../documents/digest.ts'
import { type CompressionType, layerCompression } from '../documents/media-types.ts'
import { OrchError } from '../errors.ts'

/** What reading a layer to its end showed. */
export interface LayerCheck {
  readonly diffId: Digest
  /** What is wrong with its tar, up to twenty findings; none when it can be unpacked. */
  readonly tarProblems: readonly string[]
}

/** More entries than any sound layer has. */
const maxEntries = 2_000_000

/**
 * Reads a layer once: its stored bytes against the descriptor, its compression against the media
 * type, the diffID, and whether its tar is whole and every name stays inside the root. Throws
 * `BLOB_CORRUPT`, `COMPRESSION_INVALID`, `COMPRESSION_BOMB`, `LAYER_COMPRESSION`.
 */
export async function checkLayer(blob: Blob, signal?: AbortSignal): Promise<LayerCheck> {
  const { descriptor } = blob
  const type = layerCompression(descriptor.mediaType) ?? 'none'
  const stored = sniffed(
    verifiedBytes(blob.open({ signal }), descriptor),
    type,
    descriptor.mediaType,
  )
  const digester = new Digester()
  const check = new TarCheck()
  for await (const chunk of decompress(stored, type)) {
    digester.update(chunk)
    await check.write(chunk)
  }
  return { diffId: digester.digest(), tarProblems: await check.end() }
}

async function* sniffed(
  source: AsyncIterable<Uint8Array>,
  type: CompressionType,
  mediaType: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let first = true
  for await (const chunk of source) {
    const found = first ? sniffCompression(chunk) : type
    if (found !== type) {
      throw new OrchError(
        'LAYER_COMPRESSION',
        `the layer's media type ${mediaType} says ${type}, its first bytes say ${found}`,
      )
    }
    first = false
    yield chunk
  }
}

/** Feeds a tar reader without ever failing the one who feeds it. */
class TarCheck {
  #extract: Writable & tar.Extract = tar.extract() as unknown as Writable & tar.Extract
  readonly #problems: string[] = []
  #isBroken = false
  #entries = 0
  #done: Promise<void>

  constructor() {
    this.#extract.on('entry', (header, stream, next) => {
      this.#entries += 1
      this.#look(header)
      stream.on('end', next).resume()
    })
    this.#done = finished(this.#extract as unknown as NodeJS.WritableStream).catch(error => {
      this.#break(`is not a whole tar: ${(error as Error).message}`)
    })
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#isBroken) return
    const taken = this.#extract.write(chunk as Buffer)
    if (!taken)
      await Promise.race([
        this.#done,
        new Promise(resolve => this.#extract.once('drain', () => resolve(undefined))),
      ])
  }

  async end(): Promise<readonly string[]> {
    if (this.#isBroken) this.#extract.destroy()
    else this.#extract.end()
    await this.#done
    return this.#problems
  }

  #look(header: { name: string; type?: string | null; linkname?: string | null }): void {
    if (this.#entries > maxEntries) {
      this.#break(`has more than ${maxEntries} entries`)
      return
    }
    const problem = problemOf(header)
    if (problem !== undefined && this.#problems.length < 20) this.#problems.push(problem)
  }

  #break(problem: string): void {
    if (!this.#isBroken) this.#problems.push(problem)
    this.#isBroken = true
  }
}

function problemOf({
  name,
  type,
  linkname,
}: {
  name: string
  type?: string | null
  linkname?: string | null
}): string | undefined {
  if (leaves(name)) return `has the entry ${JSON.stringify(name)}, which leaves the root`
  if (type === 'link' && leaves(linkname ?? '')) {
    return `has the hard link ${JSON.stringify(name)} to ${JSON.stringify(linkname)}, which leaves the root`
  }
  return undefined
}

function leaves(path: string): boolean {
  let depth = 0
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    depth += part === '..' ? -1 : 1
    if (depth < 0) return true
  }
  return false
}
