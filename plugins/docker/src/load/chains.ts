import type { Digest } from '@orch/oci'

/**
 * Names for the layers of an image, from the lowest: each with all below it, as a chainID says (image-spec,
 * config.md, "Layer ChainID"), since what a layer unpacks to depends on that.
 */
export function chainsOf(layers: readonly Digest[]): readonly string[] {
  return layers.map((_, at) => layers.slice(0, at + 1).join(' '))
}
