import { type Digest, digestOf } from '@orch/oci'

/** The chainID of each layer: its diffID applied on all below it (image-spec, config.md#layer-chainid). */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = []
  for (const diffId of diffIds) {
    const below = chain.at(-1)
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`))
  }
  return chain
}
