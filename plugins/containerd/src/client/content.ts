import { type Digest, parseDigest } from '@orch/oci'
import type { Calls } from './calls.ts'
import { download } from './download.ts'
import { unlessMissing } from './missing.ts'
import type { CallOptions, Client, Ingest, Labels } from './types.ts'
import { upload } from './upload.ts'
import type { WireStatus } from './wire.ts'

/** Blobs and uploads (content.Content). */
export function content(calls: Calls): Client['content'] {
  return {
    async info(digest, call) {
      const found = await unlessMissing(calls.unary('content.Content/Info', { digest }, call))
      const info = found?.info
      return info ? { ...info, digest: parseDigest(info.digest) } : undefined
    },
    label: (digest, labels, call) => label(calls, digest, labels, call),
    read: (digest, options = {}) => download(calls, digest, options),
    async status(ref, call) {
      const found = await unlessMissing(calls.unary('content.Content/Status', { ref }, call))
      return found?.status ? ingest(found.status) : undefined
    },
    async statuses(filters, call) {
      const found = await calls.unary('content.Content/ListStatuses', { filters }, call)
      return found.statuses.map(ingest)
    },
    async abort(ref, call) {
      await unlessMissing(calls.unary('content.Content/Abort', { ref }, call))
    },
    write: call => upload(calls, call),
  }
}

async function label(
  calls: Calls,
  digest: Digest,
  labels: Labels,
  call: CallOptions | undefined,
): Promise<void> {
  const paths = Object.keys(labels).map(key => `labels.${key}`)
  // A mask that names nothing would replace all labels.
  if (paths.length === 0) return
  const request = { info: { digest, labels }, updateMask: { paths } }
  await calls.unary('content.Content/Update', request, call)
}

function ingest({ ref, offset, total, expected, updatedAt }: WireStatus): Ingest {
  const { seconds, nanos } = updatedAt ?? { seconds: 0, nanos: 0 }
  return { ref, offset, total, expected, updatedAt: seconds * 1000 + Math.floor(nanos / 1e6) }
}
