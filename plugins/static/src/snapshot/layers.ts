// Written by scripts/snapshot.ts; see README.md.
import type { Digest } from '@orch/oci'

/** The layers of the static base: digest and size as compressed, diffID of the tar. */
export const layerFacts: Readonly<
  Record<'unix' | 'windows', { digest: Digest; size: number; diffId: Digest }>
> = {
  unix: {
    digest: 'sha256:6bcadee5e32d1095f4ac142fe96ea81e610266fd3d4ce833c1c55f7bfef3ba16' as Digest,
    size: 302661,
    diffId: 'sha256:6ecd0b5a1284ab0526a7431753470ee0fc6baf64862c2a786845a241a85bff74' as Digest,
  },
  windows: {
    digest: 'sha256:067400d0ea2f95913e151e36117275a51f8b20b8fb5608a80bedab98a26d6b17' as Digest,
    size: 359173,
    diffId: 'sha256:9184f7344936f7096f354522c895d9a8b575e1c2f3699f7f685a41f212240f5c' as Digest,
  },
}
