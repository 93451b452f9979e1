import {
  formatReference,
  parseReference,
  type Reference,
  UsageError,
  withDefaultTag,
} from '@orch/oci'
import type { SourceRef } from './types/build.ts'

/**
 * Reads a source reference: `scheme:rest` or `scheme://rest` for a scheme that a plugin opens, the
 * scheme alone (`static`), and anything else as an image reference of the scheme `docker`. Throws
 * `SOURCE_UNKNOWN` for `docker:` without slashes.
 */
export function parseSourceRef(text: string, schemes: ReadonlySet<string>): SourceRef {
  if (/^docker:(?!\/\/)/.test(text)) {
    const name = text.slice('docker:'.length)
    throw new UsageError('SOURCE_UNKNOWN', `${text} could be in a registry or in an engine`, {
      hint: `Write docker://${name} for a registry, docker-daemon:${name} for Docker Engine.`,
    })
  }
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9-]*)(?::(?:\/\/)?(.*))?$/s.exec(text) ?? []
  return schemes.has(scheme)
    ? { scheme, rest, text }
    : { scheme: 'docker', rest: text.replace(/^docker:\/\//, ''), text }
}

/**
 * The image in a registry that a source reference names, `latest` where it says neither tag nor digest;
 * undefined for every other source. Throws `REFERENCE_INVALID`.
 */
function registryImage({ scheme, rest }: SourceRef): Reference | undefined {
  if (scheme !== 'docker') return undefined
  const [reference = ''] = rest.split(',', 1) // options follow after commas
  return withDefaultTag(parseReference(reference))
}

/** The whole name of an image in a registry: `docker.io/library/x:1`; undefined for every other source. */
export function registryName(ref: SourceRef): string | undefined {
  const image = registryImage(ref)
  return image === undefined ? undefined : formatReference(image)
}

/** Whether a source is an image in a registry by a tag, which may mean another image tomorrow. */
export function isMovable(ref: SourceRef): boolean {
  const image = registryImage(ref)
  return image !== undefined && image.digest === undefined
}
