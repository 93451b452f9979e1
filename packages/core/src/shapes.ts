import { encodeImageConfig, isDigest, messageOf, parseImageConfig } from '@orch/oci'
import type { Hooks } from './hooks.ts'
import type { ManifestDraft } from './types/build.ts'

/** For each hook: what is wrong with an answer, or undefined. What hooks that answer nothing return is ignored. */
export const shapes: Readonly<Record<keyof Hooks, (value: unknown) => string | undefined>> = {
  configResolved: ignore,
  exportsResolved: ignore,
  source: value =>
    isRecord(value)
      ? (descriptor(value['root'], 'root') ?? content(value['content']))
      : 'expected an ImageSource',
  resolvePlatforms: value => list(value, 'a list of platforms', item => platform(item)),
  fetch: ignore,
  compile: compiled,
  layer: value => list(value, 'a list of layers', layer),
  manifest: draft => manifestDraft(draft),
  index: value => indexDraft(value),
  export: value =>
    isRecord(value) && isText(value['location']) && isText(value['digest'])
      ? (textList(value['names'], 'names') ?? plainData(value['details'], 'details'))
      : 'expected {exporter, image, digest, location, names}',
  done: ignore,
  failed: ignore,
  shutdown: ignore,
}

function ignore(): undefined {}

function compiled(value: unknown): string | undefined {
  if (!isRecord(value)) return 'expected {kind: "files"} or {kind: "image"}'
  if (value['kind'] === 'image') return shapes.source(value['source'])
  if (value['kind'] !== 'files')
    return `kind is ${show(value['kind'])}, expected "files" or "image"`
  if (!isRecord(value['config'])) return 'config is missing'
  if (!isText(value['createdBy'])) return 'createdBy is missing'
  return list(value['entries'], 'entries as a list', entry)
}

function entry(value: unknown): string | undefined {
  if (!isRecord(value) || !isText(value['path'])) return 'an entry has no path'
  switch (value['type']) {
    case 'directory':
      return undefined
    case 'symlink':
      return isText(value['target']) ? undefined : `entry ${value['path']} has no target`
    case 'file':
      return isRecord(value['content']) ? undefined : `entry ${value['path']} has no content`
    default:
      return `entry ${value['path']} has the type ${show(value['type'])}`
  }
}

function layer(value: unknown): string | undefined {
  if (!isRecord(value)) return 'a layer is no object'
  if (!isText(value['diffId']) || !isDigest(value['diffId'])) return 'a layer has no diffId'
  const { blob } = value
  if (!isRecord(blob) || typeof blob['open'] !== 'function') return 'a layer has no blob'
  const problem = descriptor(blob['descriptor'], "the descriptor of a layer's blob")
  if (problem !== undefined) return problem
  return descriptor(value['descriptor'], 'the descriptor of a layer')
}

function manifestDraft(value: unknown): string | undefined {
  if (!isRecord(value) || !isRecord(value['config'])) return 'expected {config, annotations}'
  const { os, architecture } = value['config']
  if (!isText(os) || !isText(architecture)) return 'config has no os and architecture'
  return textMap(value['annotations'], 'annotations') ?? configProblem(value['config'])
}

/** A config must be one that the specification allows. */
function configProblem(config: object): string | undefined {
  const rootfs = { type: 'layers', diff_ids: [] } as const
  try {
    parseImageConfig(encodeImageConfig({ ...(config as ManifestDraft['config']), rootfs }))
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

function indexDraft(value: unknown): string | undefined {
  if (!isRecord(value)) return 'expected {manifests, annotations, extra}'
  if (!Array.isArray(value['extra'])) return 'extra is no list'
  return (
    textMap(value['annotations'], 'annotations') ??
    list(value['manifests'], 'manifests as a list', item => descriptor(item, 'a manifest'))
  )
}

function platform(value: unknown): string | undefined {
  const ok =
    isRecord(value) &&
    isText(value['os']) &&
    isText(value['architecture']) &&
    ['undefined', 'string'].includes(typeof value['variant'])
  return ok ? undefined : `${show(value)} is no platform {os, architecture}`
}

function descriptor(value: unknown, what: string): string | undefined {
  const ok =
    isRecord(value) &&
    isText(value['mediaType']) &&
    isText(value['digest']) &&
    isDigest(value['digest']) &&
    Number.isSafeInteger(value['size']) &&
    Number(value['size']) >= 0
  return ok ? undefined : `${what} is no descriptor {mediaType, digest, size}`
}

function content(value: unknown): string | undefined {
  return isRecord(value) && typeof value['blob'] === 'function'
    ? undefined
    : 'content has no blob()'
}

function list(
  value: unknown,
  what: string,
  check: (item: unknown) => string | undefined,
): string | undefined {
  if (!Array.isArray(value)) return `expected ${what}, got ${show(value)}`
  for (const item of value) {
    const problem = check(item)
    if (problem !== undefined) return problem
  }
  return undefined
}

function textList(value: unknown, what: string): string | undefined {
  return list(value, `${what} as a list`, item =>
    isText(item) ? undefined : `${what} holds ${show(item)}`,
  )
}

function textMap(value: unknown, what: string): string | undefined {
  if (!isRecord(value)) return `${what} is no map of strings`
  const bad = Object.entries(value).find(([, item]) => typeof item !== 'string')
  return bad === undefined ? undefined : `${what}.${bad[0]} is ${show(bad[1])}, expected a string`
}

/** Nothing, or a map of what JSON can say. */
function plainData(value: unknown, what: string): string | undefined {
  if (value === undefined) return undefined
  return isRecord(value) && isPlain(value) ? undefined : `${what} is no map of plain data`
}

function isPlain(value: unknown): boolean {
  if (value === null || ['string', 'boolean'].includes(typeof value)) return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (Array.isArray(value)) return value.every(isPlain)
  if (!isRecord(value) || Object.getPrototypeOf(value) !== Object.prototype) return false
  return Object.values(value).every(isPlain)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
