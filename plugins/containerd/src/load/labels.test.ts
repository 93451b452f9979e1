import { blobFromBytes, type Digest, digestOf, mediaTypes } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { chainIds } from './chain.ts'
import { childLabels, lacking, originLabels, originsIn } from './labels.ts'

const of = (mediaType: string, name: string) => ({ mediaType, digest: digestOf(name), size: 1 })
const bytes = new Uint8Array()

describe('the labels by which garbage collection finds children', () => {
  it('of a manifest count its layers, one that is there twice too', () => {
    const layer = of(mediaTypes.layerGzip, 'layer')
    const config = of(mediaTypes.config, 'config')
    const manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config,
      layers: [layer, of('application/vnd.in-toto+json', 'note'), layer],
    } as const
    const there = new Set<Digest>([layer, config, ...manifest.layers].map(item => item.digest))
    expect(childLabels({ kind: 'manifest', manifest, bytes }, there)).toEqual({
      'containerd.io/gc.ref.content.config': config.digest,
      'containerd.io/gc.ref.content.l.0': layer.digest,
      'containerd.io/gc.ref.content.0': digestOf('note'),
      'containerd.io/gc.ref.content.l.1': layer.digest,
    })
  })

  it('of an index tell manifests from indexes, and leave out what is not there', () => {
    const index = {
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [
        of(mediaTypes.manifest, 'absent'),
        of(mediaTypes.dockerManifest, 'manifest'),
        of(mediaTypes.index, 'nested'),
      ],
    } as const
    const there = new Set<Digest>([digestOf('manifest'), digestOf('nested')])
    expect(childLabels({ kind: 'index', index, bytes }, there)).toEqual({
      'containerd.io/gc.ref.content.m.1': digestOf('manifest'),
      'containerd.io/gc.ref.content.0': digestOf('nested'),
    })
  })

  it('are put where they lack or differ', () => {
    expect(lacking({ a: '1', b: '2', theirs: 'x' }, { a: '1', b: '3', c: '4' })).toEqual({
      b: '3',
      c: '4',
    })
  })
})

describe('where a blob came from', () => {
  it('is read as it was written, among other labels', () => {
    const origins = [
      { registry: 'docker.io', repository: 'library/x' },
      { registry: 'docker.io', repository: 'y' },
      { registry: 'localhost:5000', repository: 'team/z' },
    ]
    const labels = originLabels({ ...blobFromBytes(new Uint8Array(), mediaTypes.layer), origins })
    expect(labels).toEqual({
      'containerd.io/distribution.source.docker.io': 'library/x,y',
      'containerd.io/distribution.source.localhost:5000': 'team/z',
    })
    expect(originsIn({ 'containerd.io/uncompressed': 'x', ...labels })).toEqual(origins)
  })

  it('is passed over when it is no name', () => {
    const key = 'containerd.io/distribution.source.docker.io'
    expect(originsIn({ [key]: ',x:push repository:y,a b,../z,good' })).toEqual([
      { registry: 'docker.io', repository: 'good' },
    ])
  })
})

describe('the chain of layers', () => {
  it('begins with the first diffID, and hashes each on those below', () => {
    const [a, b] = [digestOf('a'), digestOf('b')]
    expect(chainIds([a, b])).toEqual([a, digestOf(`${a} ${b}`)])
    expect(chainIds([])).toEqual([])
  })
})
