import { parse } from './content.ts'
import type { Exchange } from './exchange.ts'
import type { Memory, StoredRepository } from './memory.ts'
import type { Quirks } from './quirks.ts'

const indexType = 'application/vnd.oci.image.index.v1+json'

/** `tags/list` of a repository. */
export function serveTags(memory: Memory, quirks: Quirks, exchange: Exchange, name: string): void {
  const repository = memory.repositories.get(name)
  if (repository === undefined) {
    exchange.refuse(404, 'NAME_UNKNOWN')
    return
  }
  const { items, link } = page(quirks, exchange, [...repository.tags.keys()].sort())
  const headers = { 'content-type': 'application/json', ...link }
  exchange.answer(200, headers, JSON.stringify({ name, tags: items }))
}

/** `_catalog`. */
export function serveCatalog(memory: Memory, quirks: Quirks, exchange: Exchange): void {
  const { items, link } = page(quirks, exchange, [...memory.repositories.keys()].sort())
  const headers = { 'content-type': 'application/json', ...link }
  exchange.answer(200, headers, JSON.stringify({ repositories: items }))
}

/** What refers to a digest, pages included. */
export function serveReferrers(
  memory: Memory,
  quirks: Quirks,
  exchange: Exchange,
  name: string,
  subject: string,
): void {
  if (quirks.noReferrers === true) {
    exchange.refuse(404, 'NOT_FOUND')
    return
  }
  const repository = memory.repositories.get(name)
  const all = repository === undefined ? [] : referrersOf(repository, subject)
  const wanted = exchange.query.get('artifactType')
  const filters = quirks.filters === true && wanted !== null
  const found = filters ? all.filter(one => one.artifactType === wanted) : all
  const { items, link } = page(quirks, exchange, found.map(one => one.digest).sort())
  const manifests = items.map(digest => found.find(one => one.digest === digest))
  exchange.answer(
    200,
    {
      'content-type': indexType,
      ...link,
      ...(filters && { 'oci-filters-applied': 'artifactType' }),
    },
    JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests }),
  )
}

function referrersOf(repository: StoredRepository, subject: string) {
  return [...repository.manifests].flatMap(([digest, { mediaType, bytes }]) => {
    const manifest = parse(bytes)
    if (manifest?.subject?.digest !== subject) return []
    const artifactType = manifest.artifactType ?? manifest.config?.mediaType
    return [
      { mediaType, digest, size: bytes.length, artifactType, annotations: manifest.annotations },
    ]
  })
}

/** The items after `last`, as many as are given, and where the next are. */
function page(
  quirks: Quirks,
  exchange: Exchange,
  all: readonly string[],
): { readonly items: readonly string[]; readonly link: Readonly<Record<string, string>> } {
  const { pageSize = Number.POSITIVE_INFINITY, links } = quirks
  const size = Math.min(Number(exchange.query.get('n') ?? Number.POSITIVE_INFINITY), pageSize)
  const last = exchange.query.get('last')
  const after = last === null ? all : all.filter(item => item > last)
  const items = after.slice(0, size)
  const rest = new URLSearchParams(exchange.query)
  rest.set('last', links === 'endless' ? `${last ?? ''}z` : (items.at(-1) ?? ''))
  const next = `${exchange.path}?${rest}`
  if (links === undefined || links === 'absolute') {
    if (after.length <= size) return { items, link: {} }
    const origin = links === 'absolute' ? `http://${exchange.host}` : ''
    return { items, link: linkTo(`${origin}${next}`) }
  }
  if (links === 'loop') return { items, link: linkTo(exchange.entry.path) }
  return { items, link: linkTo(links === 'endless' ? next : links.to) }
}

function linkTo(target: string): Record<string, string> {
  return { link: `<${target}>; rel="next"` }
}
