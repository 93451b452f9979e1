import { randomBytes } from 'node:crypto'
import { type Blob, type BlobFile, blobFromBytes, type Descriptor, mediaTypes } from '@orch/oci'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { serve, type TestServer, transport } from '../testing.ts'
import { registriesOver } from './repository.ts'

const MiB = 1024 * 1024
const bytes = randomBytes(4 * MiB)
const { descriptor } = blobFromBytes(bytes, mediaTypes.layer)

beforeEach(() => {
  const random = vi.spyOn(Math, 'random').mockReturnValue(0) // no pauses
  return () => random.mockRestore()
})

const remote = ({ host }: TestServer, of: Descriptor = descriptor): Blob =>
  registriesOver(transport()).repository(host, 'team/api').blob(of)

async function opened(blob: Blob, signal?: AbortSignal): Promise<BlobFile> {
  if (blob.openFile === undefined) throw new Error('it cannot be opened')
  return blob.openFile({ signal })
}

/** Reads it all, a MiB at once. */
async function read(blob: Blob): Promise<Buffer> {
  const file = await opened(blob)
  const memory = Buffer.alloc(bytes.byteLength)
  try {
    let at = 0
    for (let length = -1; length !== 0; at += length)
      length = await file.read(memory.subarray(at, at + MiB), at)
    return memory.subarray(0, at)
  } finally {
    await file.close()
  }
}

const fromOf = (range: string | undefined): number => Number(/\d+/.exec(range ?? '')?.[0] ?? 0)

describe('a large blob, read into memory', () => {
  it('comes with one request, however often it is read from', async () => {
    const registry = await serve((_, response) => {
      response.writeHead(200, { 'content-length': bytes.byteLength }).end(bytes)
    })
    expect((await read(remote(registry))).equals(bytes)).toBe(true)
    expect(registry.seen.map(({ url }) => url)).toEqual([`/v2/team/api/blobs/${descriptor.digest}`])
  })

  it('is opened so only when it is worth it', async () => {
    const registry = await serve((_, response) => response.end())
    expect(remote(registry, { ...descriptor, size: 1000 })).not.toHaveProperty('openFile')
  })

  it('goes on where it was when the connection breaks off', async () => {
    const registry = await serve(({ headers }, response) => {
      const from = fromOf(headers.range)
      const head = { 'content-length': bytes.byteLength - from }
      const range = `bytes ${from}-${bytes.byteLength - 1}/${bytes.byteLength}`
      if (from === 0) response.writeHead(200, head)
      else response.writeHead(206, { ...head, 'content-range': range })
      response.write(bytes.subarray(from, from + MiB + 1000), () => response.destroy())
    })
    expect((await read(remote(registry))).equals(bytes)).toBe(true)
    expect(registry.seen.length).toBeGreaterThan(3)
  })

  it('is whole although ranges are ignored', async () => {
    let count = 0
    const registry = await serve((_, response) => {
      response.writeHead(200, { 'content-length': bytes.byteLength })
      if (++count > 1) response.end(bytes)
      else response.write(bytes.subarray(0, 1.5 * MiB), () => response.destroy())
    })
    expect((await read(remote(registry))).equals(bytes)).toBe(true)
  })

  it('comes in chunks too, and may be read from anywhere', async () => {
    const registry = await serve((_, response) => response.writeHead(200).end(bytes))
    const file = await opened(remote(registry))
    const memory = Buffer.alloc(1000)
    for (const at of [0, 3 * MiB, MiB]) {
      expect(await file.read(memory, at)).toBe(1000)
      expect(memory.equals(bytes.subarray(at, at + 1000))).toBe(true)
    }
    expect(await file.read(memory, bytes.byteLength - 10)).toBe(10)
    expect(await file.read(memory, bytes.byteLength)).toBe(0)
    await file.close()
  })

  it('with another size is refused before it is read', async () => {
    const registry = await serve((_, response) => response.end(bytes.subarray(1)))
    await expect(read(remote(registry))).rejects.toMatchObject({ code: 'BLOB_CORRUPT' })
  })

  it('that is not there is missing', async () => {
    const registry = await serve((_, response) => response.writeHead(404).end())
    await expect(read(remote(registry))).rejects.toMatchObject({ code: 'BLOB_MISSING' })
  })

  it('fails in the end when it never comes further', async () => {
    const registry = await serve((_, response) => {
      response.writeHead(200, { 'content-length': bytes.byteLength })
      response.write('x', () => response.destroy())
    })
    await expect(read(remote(registry))).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
    expect(registry.seen.length).toBeLessThan(30)
  })

  it('ends at once when it is aborted', async () => {
    const registry = await serve((_, response) => {
      response.writeHead(200, { 'content-length': bytes.byteLength })
      response.write('x')
    })
    const controller = new AbortController()
    const file = await opened(remote(registry), controller.signal)
    setTimeout(() => controller.abort(new Error('enough')), 50)
    await expect(file.read(Buffer.alloc(MiB), 0)).rejects.toThrow('enough')
    await file.close()
  })
})
