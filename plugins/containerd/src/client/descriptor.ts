import { type Descriptor, parseDigest } from '@orch/oci'
import { ContainerdError } from './errors.ts'
import type { WireDescriptor } from './wire.ts'

/** What containerd keeps of a descriptor; the platform stands in the index, not there. */
export function toWire({ mediaType, digest, size, annotations }: Descriptor): WireDescriptor {
  return { mediaType, digest, size, annotations: annotations ?? {} }
}

/** Throws `CONTAINERD_FAILED` where the daemon left it out, `DIGEST_INVALID`. */
export function fromWire(
  descriptor: WireDescriptor | null | undefined,
  what: string,
  address: string,
): Descriptor {
  if (!descriptor)
    throw new ContainerdError('CONTAINERD_FAILED', `containerd at ${address} left out ${what}`)
  const { mediaType, digest, size, annotations } = descriptor
  return {
    mediaType,
    digest: parseDigest(digest),
    size,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  }
}
