import { type Digest, digestOf, normalizeEntries, tarBytes } from '@orch/oci'
import { type Family, staticEntries } from './content.ts'

/** What is known of a layer before it is made. */
export interface LayerFacts {
  readonly digest: Digest
  /** Bytes, compressed. */
  readonly size: number
  readonly diffId: Digest
}

/**
 * Makes a layer of the static base, whole in memory (below a mebibyte). The compressor is part of
 * orch, because the zlib of the running Node would give other bytes in another Node.
 */
export async function makeLayer(
  family: Family,
): Promise<{ readonly facts: LayerFacts; readonly bytes: Uint8Array }> {
  const chunks: Uint8Array[] = []
  for await (const chunk of tarBytes(normalizeEntries(staticEntries(family)))) chunks.push(chunk)
  const tar = Buffer.concat(chunks)
  // Its tables take a while to make, and nobody else needs them.
  const { gzipSync } = await import('fflate')
  const bytes = gzipSync(tar, { level: 9, mtime: 0 })
  return {
    facts: { digest: digestOf(bytes), size: bytes.byteLength, diffId: digestOf(tar) },
    bytes,
  }
}
