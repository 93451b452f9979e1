import type { ExportResult } from '@orch/core'
import { formatPlatform, type PlatformManifest } from '@orch/oci'
import { loadPlatforms } from './graph.ts'
import { note, type Request } from './request.ts'
import { loadWhole } from './whole.ts'

/**
 * Loads an image into an engine, as its image store can hold it, and says which ID it has there. Throws
 * what `loadWhole` and `loadPlatforms` throw.
 */
export function load(request: Request): Promise<ExportResult> {
  const isWhole = request.engine.info.store === 'containerd'
  return isWhole ? intoContainerdStore(request) : intoGraphDriver(request)
}

async function intoContainerdStore(request: Request): Promise<ExportResult> {
  const { names, exporter, image } = request
  const { whole, sent } = await loadWhole(request)
  const { digest } = whole.source.root
  return {
    exporter,
    image: image.name,
    digest,
    location: names[0] ?? '',
    names,
    details: {
      ...detailsOf(request),
      platforms: whole.manifests.map(({ platform }) => formatPlatform(platform)),
      images: [{ id: digest, names: [...names] }],
      idIs: 'the digest of the index, or of a manifest that is alone',
      sent: { ...sent },
    },
  }
}

async function intoGraphDriver(request: Request): Promise<ExportResult> {
  const { exporter, image } = request
  const { items, leftOut, sent } = await loadPlatforms(request)
  const names = items.flatMap(item => item.names)
  const others = items.filter(item => !item.names.some(name => request.names.includes(name)))
  const { os } = request.engine.info.platform
  const runs = ({ platform }: PlatformManifest): boolean => platform.os === os
  const taken = new Set(items.map(({ platform }) => formatPlatform(platform)))
  const isTwin = ({ platform }: PlatformManifest): boolean => taken.has(formatPlatform(platform))
  tellLeftOut(request, leftOut.filter(isTwin), 'the image has it twice, and the first one counts')
  tellLeftOut(
    request,
    leftOut.filter(item => runs(item) && !isTwin(item)),
    'the engine keeps one platform a name; platforms=all gives each a name',
  )
  tellLeftOut(
    request,
    leftOut.filter(item => !runs(item)),
    `the engine runs ${os} alone`,
  )
  for (const { names: own, id } of items)
    note(request, `${own[0]} has the ID ${id} there, that of its config`)
  for (const { platform, names: own } of others)
    note(
      request,
      `${formatPlatform(platform)} is ${own.join(', ')}: the engine keeps one platform a name`,
    )
  return {
    exporter,
    image: image.name,
    digest: image.root.digest,
    location: names[0] ?? '',
    names,
    details: {
      ...detailsOf(request),
      platforms: items.map(({ platform }) => formatPlatform(platform)),
      images: items.map(item => ({ id: item.id, names: [...item.names] })),
      idIs: 'the digest of the config: the engine keeps neither manifest nor index',
      sent: { ...sent },
    },
  }
}

function tellLeftOut(request: Request, leftOut: readonly PlatformManifest[], why: string): void {
  const all = leftOut.map(({ platform }) => formatPlatform(platform)).join(', ')
  if (leftOut.length > 0) note(request, `without ${all}: ${why}`)
}

function detailsOf({ engine }: Request): { engine: string; store: string } {
  return { engine: engine.where, store: engine.info.store }
}
