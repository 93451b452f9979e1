/**
 * Writes src/snapshot/layers.ts: what the layers of the static base are, so that a build names them
 * without making them. Run it alone after a change of src/content.ts.
 */
import { makeLayer } from '../src/layer.ts'
import { writeModule } from './write-module.ts'

const entries: string[] = []
for (const family of ['unix', 'windows'] as const) {
  const { digest, size, diffId } = (await makeLayer(family)).facts
  entries.push(`  ${family}: {
    digest: '${digest}' as Digest,
    size: ${size},
    diffId: '${diffId}' as Digest,
  },
`)
}
writeModule(
  'layers',
  `import type { Digest } from '@orch/oci'

/** The layers of the static base: digest and size as compressed, diffID of the tar. */
export const layerFacts: Readonly<
  Record<'unix' | 'windows', { digest: Digest; size: number; diffId: Digest }>
> = {
${entries.join('')}}
`,
)
