import { describe, expect, it } from 'vitest'
import {
  isConfigType,
  isIndexType,
  isLayerType,
  isManifestType,
  layerCompression,
  layerMediaType,
  mediaTypes,
} from './media-types.ts'

describe('media types', () => {
  it.each([
    [mediaTypes.layer, 'none'],
    [mediaTypes.layerGzip, 'gzip'],
    [mediaTypes.layerZstd, 'zstd'],
    [mediaTypes.dockerLayer, 'none'],
    [mediaTypes.dockerLayerGzip, 'gzip'],
    [mediaTypes.dockerLayerZstd, 'zstd'],
    [mediaTypes.dockerForeignLayerGzip, 'gzip'],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar+zstd', 'zstd'],
    ['application/vnd.oci.image.layer.v1.tar+lz4', undefined],
    ['application/vnd.oci.image.layer.v1.tar+gzip+encrypted', undefined],
    [mediaTypes.config, undefined],
    ['application/vnd.in-toto+json', undefined],
  ])('%s is a layer with compression %s', (type, compression) => {
    expect(layerCompression(type)).toBe(compression)
  })

  it.each([
    [mediaTypes.layerZstd, true],
    [mediaTypes.dockerForeignLayerGzip, true],
    ['application/vnd.oci.image.layer.v1.tar+gzip+encrypted', true],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip+encrypted', true],
    ['application/vnd.in-toto+json', false],
    [mediaTypes.dockerConfig, false],
  ])('%s is a layer to containerd: %s', (type, expected) => {
    expect(isLayerType(type)).toBe(expected)
  })

  it('name the compression that they were made for', () => {
    for (const compression of ['gzip', 'zstd', 'none'] as const)
      expect(layerCompression(layerMediaType(compression))).toBe(compression)
  })

  it('tell index, manifest and config apart, Docker and OCI alike', () => {
    const kinds = (type: string): boolean[] => [
      isIndexType(type),
      isManifestType(type),
      isConfigType(type),
    ]
    expect([mediaTypes.index, mediaTypes.dockerIndex].map(kinds)).toEqual(
      Array(2).fill([true, false, false]),
    )
    expect([mediaTypes.manifest, mediaTypes.dockerManifest].map(kinds)).toEqual(
      Array(2).fill([false, true, false]),
    )
    expect([mediaTypes.config, mediaTypes.dockerConfig].map(kinds)).toEqual(
      Array(2).fill([false, false, true]),
    )
    expect(kinds(mediaTypes.empty)).toEqual([false, false, false])
  })
})
