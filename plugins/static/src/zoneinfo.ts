import { brotliDecompressSync } from 'node:zlib'
import { zoneinfo } from './snapshot/zoneinfo.ts'

/** One name below /usr/share/zoneinfo: a file's bytes, or where a relative link points. */
export type ZoneEntry = { readonly name: string } & (
  | { readonly bytes: Uint8Array }
  | { readonly target: string }
)

/**
 * Every name of the snapshot, in its order. The snapshot is brotli of one line of JSON, a list of
 * `[name, size | link target]`, followed by the files' bytes one after the other.
 */
export function zoneEntries(): readonly ZoneEntry[] {
  const packed = brotliDecompressSync(Buffer.from(zoneinfo, 'base64'))
  const start = packed.indexOf('\n') + 1
  const names: [name: string, what: number | string][] = JSON.parse(
    packed.toString('utf8', 0, start),
  )
  let at = start
  return names.map(([name, what]) => {
    if (typeof what === 'string') return { name, target: what }
    const bytes = packed.subarray(at, at + what)
    at += what
    return { name, bytes }
  })
}
