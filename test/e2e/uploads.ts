import { randomBytes } from 'node:crypto'
import { type Digest, digestOf } from '@orch/oci'
import type {
  Client,
  WriteRequest,
  WriteResponse,
  WriteStream,
} from '../../plugins/containerd/src/client/types.ts'

export const MiB: number = 1024 * 1024

/** Bytes to upload, and the requests that do it. */
export interface Load {
  readonly bytes: Buffer
  readonly digest: Digest
  readonly ref: string
  stat(): WriteRequest
  /** From `offset` on, in messages of 4 MiB. */
  writes(offset?: number): readonly WriteRequest[]
  commit(): WriteRequest
}

/** Random bytes of this size. */
export function load(size: number): Load {
  const bytes = randomBytes(size)
  const digest = digestOf(bytes)
  const ref = `layer-${digest}`
  const base = { ref, total: size, expected: digest }
  return {
    bytes,
    digest,
    ref,
    stat: () => ({ ...base, action: 'stat' }),
    writes(from = 0) {
      const count = Math.ceil((size - from) / (4 * MiB))
      return Array.from({ length: count }, (_, part) => {
        const offset = from + part * 4 * MiB
        const data = [bytes.subarray(offset, offset + 4 * MiB)]
        return { ...base, action: 'write' as const, offset, data }
      })
    },
    commit: () => ({ ...base, action: 'commit', offset: size }),
  }
}

/** Sends all at once. */
export async function send(
  stream: WriteStream,
  requests: readonly WriteRequest[],
): Promise<readonly WriteResponse[]> {
  return await Promise.all(requests.map(request => stream.send(request)))
}

/** Uploads all of it, in messages that are on their way together. */
export async function upload(
  client: Client,
  { writes, commit }: Load,
  lease?: string,
): Promise<void> {
  const stream = client.content.write({ lease })
  await send(stream, [...writes(), commit()])
  await stream.end()
}
