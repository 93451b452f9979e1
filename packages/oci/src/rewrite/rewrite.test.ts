import { describe, expect, it } from 'vitest'
import type { Blob } from '../blob/blob.ts'
import { blobFromBytes } from '../blob/blob.ts'
import { readBlob } from '../blob/verify.ts'
import type { Descriptor } from '../documents/descriptor.ts'
import { encodeIndex, type ImageIndex, parseIndex } from '../documents/image-index.ts'
import { encodeManifest, type Manifest, parseManifest } from '../documents/manifest.ts'
import { mediaTypes } from '../documents/media-types.ts'
import { blobOf, type ImageSource } from '../graph/source.ts'
import { rootedAt, type TestImage, testImage } from '../graph/test-image.ts'
import { validateImage } from '../validate/validate.ts'
import { annotationsEdit, parseAnnotationOption } from './annotations.ts'
import type { Edits } from './edits.ts'
import { mediaTypesEdit } from './media-types.ts'
import { isCompressible, lastingAnnotations, recompress, recompressedType } from './recompress.ts'
import { rewriteImage } from './rewrite.ts'

const both = ['linux/amd64', 'linux/arm64']

async function indexOf(image: ImageSource): Promise<ImageIndex> {
  return parseIndex(await readBlob(await blobOf(image.content, image.root)))
}

async function manifestsOf(image: ImageSource): Promise<readonly Manifest[]> {
  const { manifests } = await indexOf(image)
  return Promise.all(
    manifests.map(async item => parseManifest(await readBlob(await blobOf(image.content, item)))),
  )
}

function annotated(...options: readonly (readonly [string, string])[]): Edits {
  return annotationsEdit(options.flatMap(([key, value]) => parseAnnotationOption(key, value) ?? []))
}

/** An edit that compresses every layer with zstd. */
const zstd: Edits = {
  async layer(layer): Promise<Blob> {
    const chunks: Uint8Array[] = []
    for await (const chunk of recompress(layer, { type: 'zstd' })) chunks.push(chunk)
    const { mediaType } = layer.blob.descriptor
    return blobFromBytes(Buffer.concat(chunks), recompressedType(mediaType, { type: 'zstd' }))
  },
}

describe('rewriteImage', () => {
  it('gives the very same source when nothing changes', async () => {
    const image = await testImage(both)
    expect(await rewriteImage(image, [])).toBe(image)
    expect(await rewriteImage(image, [mediaTypesEdit('oci'), annotated()])).toBe(image)
  })

  it('keeps the bytes of every document that nothing changes in or below', async () => {
    const image = await testImage(both)
    const changed = await rewriteImage(image, [annotated(['annotation[linux/arm64].a', 'b'])])
    const [amd64, arm64] = (await indexOf(changed)).manifests
    expect(amd64).toEqual(image.manifests[0])
    expect(arm64?.digest).not.toBe(image.manifests[1]?.digest)
    expect((await manifestsOf(changed)).map(item => item.annotations)).toEqual([
      undefined,
      { a: 'b' },
    ])
    const { findings, platforms } = await validateImage(changed)
    expect(findings).toEqual([])
    expect(platforms).toEqual(both)
  })

  it('puts annotations where their level says, beside those that are there', async () => {
    const image = await testImage(both)
    const options = [
      ['annotation.m', '1'],
      ['annotation-manifest.n', '2'],
      ['annotation-manifest-descriptor[linux/amd64].d', '3'],
      ['annotation-index.i', '4'],
      ['annotation-index-descriptor.r', '5'],
    ] as const
    const changed = await rewriteImage(image, [annotated(...options)])
    expect(changed.root.annotations).toEqual({ r: '5' })
    const index = await indexOf(changed)
    expect(index.annotations).toEqual({ i: '4' })
    expect(index.manifests.map(item => item.annotations)).toEqual([{ d: '3' }, undefined])
    for (const { annotations } of await manifestsOf(changed))
      expect(annotations).toEqual({ m: '1', n: '2' })
    const more = await rewriteImage(changed, [annotated(['annotation-index.j', '6'])])
    expect((await indexOf(more)).annotations).toEqual({ i: '4', j: '6' })
  })

  it("turns media types into Docker's, and back into the very bytes from before", async () => {
    const image = await testImage(both)
    const docker = await rewriteImage(image, [mediaTypesEdit('docker')])
    expect(docker.root.mediaType).toBe(mediaTypes.dockerIndex)
    for (const manifest of await manifestsOf(docker)) {
      expect(manifest.mediaType).toBe(mediaTypes.dockerManifest)
      expect(manifest.config.mediaType).toBe(mediaTypes.dockerConfig)
      expect(manifest.layers[0]?.mediaType).toBe(mediaTypes.dockerLayerGzip)
    }
    expect((await validateImage(docker)).findings).toEqual([])
    const back = await rewriteImage(docker, [mediaTypesEdit('oci')])
    expect(back.root).toEqual(image.root)
  })

  it('compresses layers in another way and leaves the configs', async () => {
    const image = await testImage(both)
    const changed = await rewriteImage(image, [zstd])
    const before = await manifestsOf(image)
    for (const [at, manifest] of (await manifestsOf(changed)).entries()) {
      expect(manifest.config).toEqual(before[at]?.config)
      expect(manifest.layers[0]?.mediaType).toBe(mediaTypes.layerZstd)
    }
    expect((await validateImage(changed)).findings).toEqual([])
  })

  it('refuses to compress a layer that is not what its config says', async () => {
    const image = await testImage(['linux/amd64'])
    const other = await testImage(['linux/s390x'])
    const [manifest] = await manifestsOf(image)
    const [lie] = await manifestsOf(other)
    if (manifest === undefined || lie === undefined) throw new Error('no manifest')
    for (const [digest, blob] of other.blobs) image.blobs.set(digest, blob)
    const spoilt = image.keep(
      encodeManifest({ ...manifest, layers: lie.layers }),
      mediaTypes.manifest,
    )
    const code = 'DIFF_ID_WRONG'
    await expect(rewriteImage(rootedAt(spoilt, image), [zstd])).rejects.toMatchObject({ code })
  })

  it('leaves an attestation as it is, and lets it be about what its manifest has become', async () => {
    const image = await testImage(both)
    const attestation = attestationOf(image, image.manifests[0])
    const index = {
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [...image.manifests, attestation],
    } as const
    const source = rootedAt(image.keep(encodeIndex(index), mediaTypes.index), image)
    const changed = await rewriteImage(source, [annotated(['annotation.a', 'b'])])
    const [amd64, , beside] = (await indexOf(changed)).manifests
    expect(beside?.digest).toBe(attestation.digest)
    expect(beside?.annotations).toEqual({ 'vnd.docker.reference.digest': amd64?.digest })
  })

  it('rewrites a lone manifest', async () => {
    const image = await testImage(['linux/amd64'])
    const [manifest] = image.manifests
    if (manifest === undefined) throw new Error('no manifest')
    const changed = await rewriteImage(rootedAt(manifest, image), [
      annotated(['annotation.a', 'b']),
    ])
    const bytes = await readBlob(await blobOf(changed.content, changed.root))
    expect(parseManifest(bytes).annotations).toEqual({ a: 'b' })
  })
})

function attestationOf(image: TestImage, about: Descriptor | undefined): Descriptor {
  const config = image.keep(Buffer.from('{}'), mediaTypes.config)
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [] } as const
  return {
    ...image.keep(encodeManifest(manifest), mediaTypes.manifest),
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: { 'vnd.docker.reference.digest': about?.digest ?? '' },
  }
}

describe('parseAnnotationOption', () => {
  it('reads levels and platforms, and nothing else', () => {
    expect(parseAnnotationOption('annotation-index.a.b', 'c')).toEqual({
      level: 'index',
      key: 'a.b',
      value: 'c',
    })
    expect(parseAnnotationOption('annotation[linux/arm/v7].a', 'c')?.platform).toMatchObject({
      variant: 'v7',
    })
    for (const option of ['annotation', 'annotation.', 'annotation-indx.a', 'annotations.a'])
      expect(parseAnnotationOption(option, 'c')).toBeUndefined()
    expect(parseAnnotationOption('annotation-index[linux/amd64].a', 'c')).toBeUndefined()
    expect(() => parseAnnotationOption('annotation[nowhere].a', 'c')).toThrow('not a platform')
  })
})

describe('what is compressed anew', () => {
  it("is a layer that is not foreign, and stays of Docker's family or of the specification's", () => {
    expect(isCompressible(mediaTypes.layerGzip)).toBe(true)
    expect(isCompressible(mediaTypes.foreignLayerGzip)).toBe(false)
    expect(isCompressible(mediaTypes.dockerForeignLayerGzip)).toBe(false)
    expect(isCompressible('application/vnd.in-toto+json')).toBe(false)
    expect(recompressedType(mediaTypes.dockerLayerGzip, { type: 'zstd' })).toBe(
      mediaTypes.dockerLayerZstd,
    )
    expect(recompressedType(mediaTypes.layerZstd, { type: 'none' })).toBe(mediaTypes.layer)
  })

  it('loses the annotations that speak of how its bytes were laid out', () => {
    const stargz = 'containerd.io/snapshot/stargz/toc.digest'
    expect(lastingAnnotations({ [stargz]: 'x', 'org.example.a': 'b' })).toEqual({
      'org.example.a': 'b',
    })
  })
})
