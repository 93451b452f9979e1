import {
  formatReference,
  parseReference,
  type Reference,
  UsageError,
  withDefaultTag,
} from '@orch/oci'
import type { RegistryExportOptions } from './options.ts'
import { repositoryReference } from './reference.ts'

/** A repository that an image goes to. */
export interface Target {
  readonly domain: string
  readonly path: string
  /** None when it is pushed by digest. */
  readonly tags: readonly string[]
}

type Naming = Pick<RegistryExportOptions, 'repository' | 'naming' | 'tags' | 'pushByDigest'>

/**
 * Where an image goes: each repository once, in the order of its references. Throws `NAME_MISSING`,
 * `REFERENCE_INVALID`.
 * @param references its own, as the project or the destination wrote them
 */
export function targetsOf(
  image: string,
  references: readonly string[],
  options: Naming,
): readonly Target[] {
  const read = options.repository === undefined ? repositoryReference : parseReference
  const own = references.map(text => withDefaultTag(read(text)))
  const targets = new Map<string, { domain: string; path: string; tags: Set<string> }>()
  for (const { domain, path, tag } of placed(image, own, options)) {
    const key = `${domain}/${path}`
    const target = targets.get(key) ?? { domain, path, tags: new Set() }
    targets.set(key, target)
    const tags = options.tags ?? (tag === undefined ? [] : [tag])
    if (!options.pushByDigest) for (const item of tags) target.tags.add(item)
  }
  if (targets.size === 0) {
    throw new UsageError('NAME_MISSING', `image ${image} has no name, and a registry needs one`, {
      hint: 'Give it one: docker://host/repository:tag or --name for a copy, tags: or repository= for a build.',
    })
  }
  return [...targets.values()].map(target => ({ ...target, tags: [...target.tags] }))
}

/** The references with `repository` and `naming` taken into account. */
function placed(
  image: string,
  own: readonly Reference[],
  { repository, naming }: Naming,
): readonly Reference[] {
  if (repository === undefined) return own
  const { domain, path } = parseReference(repository)
  const below = (name: string): string => parseReference(`${domain}/${path}/${name}`).path
  if (naming === 'path' && own.length > 0)
    return own.map(item => ({ ...item, domain, path: below(shortPath(item)) }))
  const at = naming === 'bare' ? path : below(image.toLowerCase())
  const tags = own.map(({ tag }) => tag)
  return [...new Set(tags.length === 0 ? ['latest'] : tags)].map(tag => ({
    domain,
    path: at,
    ...(tag === undefined ? {} : { tag }),
  }))
}

/** The path of a reference as people write it: without the `library/` that Docker Hub puts before it. */
function shortPath({ domain, path }: Reference): string {
  return domain === 'docker.io' ? path.replace(/^library\//, '') : path
}

/** What a target is called: a reference for each tag, or the one by digest. */
export function namesOf({ domain, path, tags }: Target, digest: string): readonly string[] {
  if (tags.length === 0) return [`${domain}/${path}@${digest}`]
  return tags.map(tag => formatReference({ domain, path, tag }))
}
