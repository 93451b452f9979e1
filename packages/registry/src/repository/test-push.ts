import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  type Blob,
  blobFromBytes,
  type Digest,
  digestOf,
  encodeManifest,
  type Manifest,
  mediaTypes,
} from '@orch/oci'
import type { Pushed, Repository } from '../types.ts'
import type { TestRegistry } from './test-registry.ts'

export const MiB: number = 1024 * 1024

/** A blob of random bytes that comes in pieces, as from a file. */
export function blobOf(size: number): { readonly blob: Blob; readonly bytes: Buffer } {
  const bytes = randomBytes(size)
  const blob = blobFromBytes(bytes, mediaTypes.layer)
  const open: Blob['open'] = ({ offset = 0 } = {}) => {
    const parts: Buffer[] = []
    for (let at = offset; at < size; at += 64 * 1024)
      parts.push(bytes.subarray(at, Math.min(at + 64 * 1024, size)))
    return Readable.from(parts, { objectMode: false })
  }
  return { blob: { ...blob, open }, bytes }
}

export const push = (registry: TestRegistry, blob: Blob, path = 'team/api'): Promise<Pushed> =>
  registry.client.repository(registry.host, path).push(blob)

/** What the registry has of a blob. */
export const stored = (registry: TestRegistry, blob: Blob): Buffer =>
  registry.blobs.get(`team/api@${blob.descriptor.digest}`) ?? Buffer.alloc(0)

export const open = (registry: TestRegistry): Repository =>
  registry.client.repository(registry.host, 'team/api')

export const config: Blob = blobFromBytes(Buffer.from('{}'), mediaTypes.config)
const bare: Manifest = {
  schemaVersion: 2,
  mediaType: mediaTypes.manifest,
  config: config.descriptor,
  layers: [],
}

/** A manifest without layers. */
export function documentOf(extra: Partial<Manifest> = {}): {
  readonly bytes: Uint8Array
  readonly mediaType: string
  readonly digest: Digest
} {
  const bytes = encodeManifest({ ...bare, ...extra })
  return { bytes, mediaType: mediaTypes.manifest, digest: digestOf(bytes) }
}
