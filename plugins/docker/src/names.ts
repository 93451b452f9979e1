import {
  familiarReference,
  formatPlatform,
  isTag,
  type Platform,
  parseReference,
  UsageError,
  withDefaultTag,
} from '@orch/oci'

/**
 * The names that an image gets in an engine, as the docker command shows them: `hello:latest`. Throws
 * `NAME_MISSING`, `REFERENCE_INVALID`, `DOCKER_NAME` for one with a digest, or one that looks like an ID.
 */
export function namesFor(image: string, references: readonly string[]): readonly string[] {
  if (references.length === 0) {
    throw new UsageError(
      'NAME_MISSING',
      `image ${image} has no name to be known by in the engine`,
      {
        hint: 'Give it one: --name example.com/team/app:1 for a copy, tags: or --tag for a build.',
      },
    )
  }
  return [...new Set(references.map(nameOf))]
}

function nameOf(text: string): string {
  const reference = withDefaultTag(parseReference(text))
  const name = familiarReference(reference)
  // An engine takes these for IDs.
  if (/^(?:sha256|sha512|[a-f0-9]{64}):/.test(name))
    throw new UsageError('DOCKER_NAME', `${text} is no name in an engine: it looks like an ID`, {
      hint: 'Give it another name, or one with a registry before it.',
    })
  if (reference.digest === undefined) return name
  throw new UsageError('DOCKER_NAME', `${text} has a digest, which no name in an engine has`, {
    hint: 'Leave out @ and what follows.',
  })
}

/**
 * The name of another platform than the engine's own where it keeps one platform a name: `hello:1` is
 * `hello:1-linux-arm64`. Throws `DOCKER_NAME` when that is too long for a tag.
 */
export function nameForPlatform(name: string, platform: Platform): string {
  const suffix = formatPlatform(platform).replaceAll(/[^\w.-]+/g, '-')
  const { tag = 'latest' } = parseReference(name)
  if (isTag(`${tag}-${suffix}`)) return `${name}-${suffix}`
  throw new UsageError('DOCKER_NAME', `${name} is too long a name to have -${suffix} behind it`, {
    hint: 'Choose a shorter tag, or one platform alone.',
  })
}
