import {
  type Compression,
  canonicalJson,
  compressorIdentity,
  type Entry,
  layerStream,
  normalizeEntries,
  OrchError,
  parseDigest,
} from '@orch/oci'
import type { Layer } from '../types/build.ts'
import type { BuildContext, LayerRequest } from '../types/context.ts'
import { createdAt } from './layer.ts'

/** Raised when the bytes of a layer of the same entries would change. */
const layerFormat = 1

/** Packs entries into a compressed layer, or finds the one that was packed of the same entries before. */
export async function packLayer(
  entries: readonly Entry[],
  { from, history }: LayerRequest,
  compression: Compression,
  context: BuildContext,
): Promise<Layer> {
  const { epoch: mtime, signal, store } = context
  const normalized = normalizeEntries(entries)
  const inputs = {
    format: layerFormat,
    compressor: compressorIdentity(compression),
    mtime,
    entries: normalized.map(describe),
  }
  const { held, data } = await context.action({ kind: 'compress', inputs }, () =>
    context.limits.cpu(async () => {
      const stream = layerStream(normalized, { compression, mtime, signal })
      const { descriptor } = await store.add(stream.bytes, stream.mediaType, { signal })
      return { blobs: [descriptor], data: stream.diffId() }
    }),
  )
  const [blob] = held
  if (blob === undefined)
    throw new OrchError('STORE_INVALID', 'the store remembers a layer without its blob')
  const { descriptor } = blob
  return {
    descriptor,
    diffId: parseDigest(String(data)),
    blob,
    from,
    ...(history === undefined ? {} : { history: { created: createdAt(context), ...history } }),
  }
}

/** Everything of an entry that its bytes in the tar depend on. */
function describe(entry: Entry): string {
  const { path, type, mode, uid, gid, mtime, pax } = entry
  const what =
    entry.type === 'file'
      ? entry.content.descriptor.digest
      : entry.type === 'symlink'
        ? entry.target
        : null
  return canonicalJson([type, path, mode, uid, gid, mtime, pax, what])
}
