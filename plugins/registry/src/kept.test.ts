import type { BuildContext } from '@orch/core'
import {
  type Blob,
  blobFromBytes,
  type Descriptor,
  type Digest,
  mediaTypes,
  OrchError,
  readBlob,
} from '@orch/oci'
import type { Repository } from '@orch/registry'
import { beforeEach, describe, expect, it } from 'vitest'
import { keptContent, keptRoot } from './kept.ts'

const layer = blobFromBytes(Buffer.from('layer'), mediaTypes.layer)
const root = blobFromBytes(Buffer.from('{"manifests":[]}'), mediaTypes.index)
const origins = [{ registry: 'example.com', repository: 'x' }]

/** What was asked of the registry. */
let asked: string[] = []
let stored: Map<Digest, Blob>
let remembered: Map<string, Awaited<ReturnType<BuildContext['action']>>>

beforeEach(() => {
  asked = []
  stored = new Map()
  remembered = new Map()
})

/** A repository that holds the root and the layer. */
const repository = {
  name: 'example.com/x',
  async document() {
    asked.push('document')
    return { descriptor: root.descriptor, bytes: await readBlob(root) }
  },
  blob: (descriptor: Descriptor): Blob => ({
    descriptor,
    origins,
    open: options => {
      asked.push('blob')
      return layer.open(options)
    },
  }),
} as Partial<Repository> as Repository

/** A build whose store is in memory. */
function build(offline: boolean): BuildContext {
  const store = {
    async get({ digest }: Descriptor) {
      return stored.get(digest)
    },
    async add(bytes: AsyncIterable<Uint8Array>, mediaType: string) {
      const chunks: Uint8Array[] = []
      for await (const chunk of bytes) chunks.push(chunk)
      const blob = blobFromBytes(Buffer.concat(chunks), mediaType)
      stored.set(blob.descriptor.digest, blob)
      return blob
    },
  }
  const action: BuildContext['action'] = async ({ inputs }, run) => {
    const key = JSON.stringify(inputs)
    const before = remembered.get(key)
    if (before !== undefined) return { ...before, hit: true }
    const result = await run()
    const held = result.blobs.flatMap(({ digest }) => stored.get(digest) ?? [])
    const outcome = { ...result, key, hit: false, held }
    remembered.set(key, outcome)
    return outcome
  }
  const { signal } = new AbortController()
  return { offline, signal, store, action } as unknown as BuildContext
}

describe('a base of a registry', () => {
  it('is fetched once, when it is read, and then comes from the store, offline too', async () => {
    const online = keptContent(repository, build(false))
    const blob = await online.blob(layer.descriptor)
    expect(blob.origins).toEqual(origins)
    expect(asked).toEqual([])
    expect(await readBlob(blob)).toEqual(await readBlob(layer))
    expect(await readBlob(blob)).toEqual(await readBlob(layer))
    expect(asked).toEqual(['blob'])
    const offline = await keptContent(repository, build(true)).blob(layer.descriptor)
    expect(offline.origins).toEqual(origins)
    expect(await readBlob(offline)).toEqual(await readBlob(layer))
    expect(asked).toEqual(['blob'])
  })

  it('has a root that is found again by its digest alone', async () => {
    const { digest } = root.descriptor
    expect(await keptRoot(repository, digest, build(false))).toEqual(root.descriptor)
    expect(await keptRoot(repository, digest, build(true))).toEqual(root.descriptor)
    expect(asked).toEqual(['document'])
  })

  it('is OFFLINE when the store lacks it, with the digest and what to do', async () => {
    const { digest } = layer.descriptor
    const content = keptContent(repository, build(true))
    const thrown = await content.blob(layer.descriptor).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(OrchError)
    expect(thrown).toMatchObject({
      code: 'OFFLINE',
      message: `the store lacks ${digest} of example.com/x`,
      hint: expect.stringContaining('orch fetch'),
    })
    const lacking = keptRoot(repository, root.descriptor.digest, build(true))
    await expect(lacking).rejects.toMatchObject({ code: 'OFFLINE' })
    expect(asked).toEqual([])
  })
})
