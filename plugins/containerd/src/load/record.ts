import { messageOf, OrchError, toError } from '@orch/oci'
import { hasStatus, isLost } from '../client/errors.ts'
import type { CallOptions, Client, ImageRecord, Labels, StoredImage } from '../client/types.ts'

/** What containerd's own Kubernetes part puts on images that it manages, and on those to keep (pkg/cri/labels). */
const criLabel: Labels = { 'io.cri-containerd.image': 'managed' }
const pinLabel: Labels = { 'io.cri-containerd.pinned': 'pinned' }

/** How long putting one record back may take. */
const undoMs = 2000

/** The labels of an image record. */
export function recordLabels(options: {
  readonly namespace: string
  readonly labels: Labels
  readonly pin: boolean
}): Labels {
  return {
    ...(options.namespace === 'k8s.io' ? criLabel : {}),
    ...(options.pin ? pinLabel : {}),
    ...options.labels,
  }
}

/**
 * Points every name at the target and runs `check`: when any of it fails, what stood there before is put
 * back, unless somebody else has written the name meanwhile; the call's lease holds it until then. Labels
 * of a record that are not among `labels` stay. Throws what fails, and `CONTAINERD_UNDO` beside it when a
 * record could not be put back.
 */
export async function writeRecords(
  client: Client,
  names: readonly string[],
  record: Omit<ImageRecord, 'name'>,
  call: CallOptions,
  check: () => Promise<void>,
): Promise<void> {
  const undoing: (() => Promise<void>)[] = []
  try {
    for (const name of names) {
      const before = await client.images.get(name, call)
      if (before !== undefined) await keep(client, before, call)
      // Noted first: what fails half-way may have happened.
      let written: StoredImage | undefined
      undoing.push(() => putBack(client, { ...record, name }, written, before))
      written = await writeRecord(client, { ...record, name }, call)
    }
    await check()
  } catch (error) {
    const failed: Error[] = []
    for (const undo of undoing.toReversed()) await undo().catch(item => failed.push(toError(item)))
    const [first] = failed
    // A daemon that is gone is what went wrong already.
    if (first === undefined || isLost(error)) throw error
    const undone = new OrchError(
      'CONTAINERD_UNDO',
      `containerd at ${client.address}: not every image record could be put back: ${first.message}`,
      { hint: `Look at ${names.join(', ')} in namespace ${client.namespace}, and load again.` },
    )
    throw new AggregateError([error, undone], messageOf(error))
  }
}

/** The lease holds what the record points at, all the way down: it may have to be put back after a garbage collection. */
async function keep(client: Client, { target }: ImageRecord, call: CallOptions): Promise<void> {
  const { lease } = call
  if (lease === undefined) return
  await client.leases.add(lease, { id: target.digest, type: 'content' }, call)
}

/** The record may come and go meanwhile: another load, or `ctr images rm`. */
async function writeRecord(
  client: Client,
  record: ImageRecord,
  call: CallOptions,
): Promise<StoredImage | undefined> {
  // Labels are named one by one: with the mask `labels` all others would go.
  const paths = ['target', ...Object.keys(record.labels).map(key => `labels.${key}`)]
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await client.images.update(record, paths, call)
    } catch (error) {
      if (!hasStatus(error, 'NOT_FOUND') || attempt === 3) throw error
    }
    try {
      return await client.images.create(record, call)
    } catch (error) {
      if (!hasStatus(error, 'ALREADY_EXISTS')) throw error
    }
  }
}

/** With a signal of its own: it must be done after Ctrl-C too. */
async function putBack(
  client: Client,
  { name, target }: ImageRecord,
  written: StoredImage | undefined,
  before: ImageRecord | undefined,
): Promise<void> {
  const call = { signal: AbortSignal.timeout(undoMs) }
  const now = await client.images.get(name, call)
  // Not ours any more: somebody else's load came after this one, of the same image perhaps.
  if (now?.target.digest !== target.digest) return
  if (written !== undefined && now.writtenAt !== written.writtenAt) return
  if (before === undefined) return client.images.delete(name, call)
  await client.images.update(before, ['target', 'labels'], call)
}
