import { type Digest, digestOf, mediaTypes } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { chainIds } from './chain.ts'
import { childLabels, lacking } from './labels.ts'

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

describe('the chain of layers', () => {
  it('begins with the first diffID, and hashes each on those below', () => {
    const [a, b] = [digestOf('a'), digestOf('b')]
    expect(chainIds([a, b])).toEqual([a, digestOf(`${a} ${b}`)])
    expect(chainIds([])).toEqual([])
  })
})
