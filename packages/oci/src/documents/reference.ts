import { shown, UsageError } from '../errors.ts'
import { type Digest, isDigest } from './digest.ts'

/** A parsed image reference: `domain/path[:tag][@digest]`. */
export interface Reference {
  /** Registry host with port, `docker.io` where none was written. */
  readonly domain: string
  /** Repository path, `library/` put before a single component on docker.io. */
  readonly path: string
  readonly tag?: string
  readonly digest?: Digest
}

// The grammar of distribution/reference: reference.go and regexp.go.
const pathGrammar =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const host = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)'
const domainGrammar = new RegExp(`^(?:${host}(?:\\.${host})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`)
const tagGrammar = /^\w[\w.-]{0,127}$/
const maxPathLength = 255
const imageId = /^[a-f0-9]{64}$/

/**
 * Reads a reference as Docker and containerd do, docker.io and `library/` filled in. No tag is added.
 * Throws `REFERENCE_INVALID`.
 */
export function parseReference(text: string): Reference {
  if (imageId.test(text)) fail(text, 'it looks like an image ID, not a name')
  const [beforeDigest = '', digestText] = split(text, '@')
  const lastSlash = beforeDigest.lastIndexOf('/')
  const colon = beforeDigest.indexOf(':', lastSlash + 1)
  const name = colon === -1 ? beforeDigest : beforeDigest.slice(0, colon)
  const tag = colon === -1 ? undefined : beforeDigest.slice(colon + 1)
  const { domain, path } = splitName(name)
  if (!domainGrammar.test(domain)) fail(text, `its host ${shown(domain)} is not a host name`)
  if (/[A-Z]/.test(path)) fail(text, 'the repository must be lower-case')
  if (path.length > maxPathLength)
    fail(text, `its repository is longer than ${maxPathLength} characters`)
  if (!pathGrammar.test(path)) fail(text, `its repository ${shown(path)} breaks the grammar`)
  if (tag !== undefined && !isTag(tag)) fail(text, `its tag ${shown(tag)} breaks the grammar`)
  if (digestText !== undefined && !isDigest(digestText))
    fail(text, `${shown(digestText)} is not a digest`)
  return {
    domain,
    path,
    ...(tag === undefined ? {} : { tag }),
    ...(digestText === undefined ? {} : { digest: digestText }),
  }
}

/** Whether a text is a tag by the grammar of references: `1.2-rc`, up to 128 characters. */
export function isTag(text: string): boolean {
  return tagGrammar.test(text)
}

function splitName(name: string): { domain: string; path: string } {
  const slash = name.indexOf('/')
  const first = name.slice(0, Math.max(slash, 0))
  const isHost = slash !== -1 && looksLikeHost(first)
  const domain = !isHost || first === 'index.docker.io' ? 'docker.io' : first
  const path = isHost ? name.slice(slash + 1) : name
  return { domain, path: domain === 'docker.io' && !path.includes('/') ? `library/${path}` : path }
}

function looksLikeHost(component: string): boolean {
  return /[.:A-Z]/.test(component) || component === 'localhost'
}

/**
 * The host that a text names and nothing else: `localhost:5000`, `example.com`, `registry:5000/`. Docker
 * reads the first two as repositories of Docker Hub, which nobody means. Undefined for all else.
 */
export function hostAlone(text: string): string | undefined {
  const bare = text.replace(/\/$/, '')
  if (!domainGrammar.test(bare)) return undefined
  const isHost = bare === text ? /^localhost(?::|$)|^\[|\./i.test(bare) : looksLikeHost(bare)
  return isHost ? splitName(`${bare}/x`).domain : undefined
}

function split(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

function fail(text: string, why: string): never {
  throw new UsageError('REFERENCE_INVALID', `${shown(text)} is not an image reference: ${why}`, {
    hint: 'Write [host[:port]/]repository[:tag][@digest], such as example.com/team/api:dev.',
  })
}

/** The whole name, as containerd and Kubernetes want it: `docker.io/library/x:1`. */
export function formatReference(reference: Reference): string {
  const { domain, path, tag, digest } = reference
  return `${domain}/${path}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

/** The short name, as people write it: `x:1` for `docker.io/library/x:1`. `parseReference` reads it back. */
export function familiarReference(reference: Reference): string {
  const whole = formatReference(reference)
  const short = whole.replace(/^docker\.io\/(?:library\/(?=[^/]*$))?/, '')
  const [first, below] = split(short, '/')
  const misleads = imageId.test(short) || (below !== undefined && looksLikeHost(first))
  return misleads ? whole : short
}

/** The whole name that a text stands for, its tag filled in: `docker.io/library/x:latest` for `x`. Throws `REFERENCE_INVALID`. */
export function wholeReference(text: string): string {
  return formatReference(withDefaultTag(parseReference(text)))
}

/** The same reference with the tag `latest` where it has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined
    ? { ...reference, tag: 'latest' }
    : reference
}
