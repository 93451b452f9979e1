import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { blobFromBytes } from '../blob/blob.ts'
import { decompress } from '../compress/decompress.ts'
import { digestOf } from '../documents/digest.ts'
import type { Entry } from '../tar/entry.ts'
import { type LayerOptions, type LayerStream, layerStream } from './layer.ts'

const run = promisify(execFile)
const hasZstd = spawnSync('zstd', ['--version']).status === 0
const entries: readonly Entry[] = [
  { type: 'file', path: '/app/server', content: blobFromBytes(Buffer.alloc(3e6, 'orch'), 'x/y') },
  { type: 'directory', path: 'app' },
  { type: 'symlink', path: 'run', target: 'app/server' },
]
const drawn = (layer: LayerStream): Promise<Buffer> => buffer(Readable.from(layer.bytes))

describe.each(['gzip', 'zstd', 'none'] as const)('a layer compressed by %s', type => {
  const options: LayerOptions = { compression: { type } }

  it('knows the digest and size of its tar once it was read to the end', async () => {
    const layer = layerStream(entries, options)
    const bytes = await drawn(layer)
    const tar = await buffer(Readable.from(decompress(Readable.from([bytes]), type)))
    expect(layer.diffId()).toBe(digestOf(tar))
    expect(layer.mediaType).toBe(
      `application/vnd.oci.image.layer.v1.tar${type === 'none' ? '' : `+${type}`}`,
    )
  })

  it('has the same bytes for the same entries in any order', async () => {
    const [one, two] = [layerStream(entries, options), layerStream(entries.toReversed(), options)]
    expect((await drawn(one)).equals(await drawn(two))).toBe(true)
    expect(one.diffId()).toBe(two.diffId())
  })

  it.skipIf(type === 'zstd' && !hasZstd)('is read by tar', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orch-layer-'))
    try {
      const path = join(folder, 'layer')
      await writeFile(path, await drawn(layerStream(entries, options)))
      const command = { gzip: 'zcat "$0"', zstd: 'zstd -dcq <"$0"', none: 'cat "$0"' }[type]
      const { stdout } = await run('sh', ['-c', `${command} | tar -t`, path])
      expect(stdout).toBe('app\napp/server\nrun\n')
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('a layer', () => {
  it('has the same diffID whatever its compression, and another for another time', async () => {
    const ids = new Set<string>()
    for (const type of ['gzip', 'zstd', 'none'] as const) {
      const layer = layerStream(entries, { compression: { type } })
      await drawn(layer)
      ids.add(layer.diffId())
    }
    expect(ids.size).toBe(1)
    const later = layerStream(entries, { compression: { type: 'none' }, mtime: 1 })
    await drawn(later)
    expect(ids).not.toContain(later.diffId())
  })

  it('has no diffID before its end', async () => {
    const layer = layerStream(entries, { compression: { type: 'gzip' } })
    expect(() => layer.diffId()).toThrow('has not been read to its end')
    for await (const _ of layer.bytes) break
    expect(() => layer.diffId()).toThrow('has not been read to its end')
  })

  it('ends with the error of an entry, and never has a diffID then', async () => {
    const lying = { ...blobFromBytes(Buffer.from('a'), 'x/y').descriptor, digest: digestOf('b') }
    const content = { ...blobFromBytes(Buffer.from('a'), 'x/y'), descriptor: lying }
    const layer = layerStream([{ type: 'file', path: 'a', content }], {
      compression: { type: 'gzip' },
    })
    await expect(drawn(layer)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' })
    expect(() => layer.diffId()).toThrow()
    const twice = layerStream([...entries, ...entries], { compression: { type: 'gzip' } })
    await expect(drawn(twice)).rejects.toMatchObject({ code: 'LAYER_ENTRY_INVALID' })
  })

  it('stops at an abort', async () => {
    const controller = new AbortController()
    const layer = layerStream(entries, { compression: { type: 'none' }, signal: controller.signal })
    const reading = (async () => {
      for await (const _ of layer.bytes) controller.abort()
    })()
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
  })
})
