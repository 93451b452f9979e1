import { lstat } from 'node:fs/promises'
import { resolve } from 'node:path'

/** A medium on disk, and which of its images is meant. */
export interface Location {
  /** Absolute. */
  readonly path: string
  /** A name or a digest; undefined when there is just one image. */
  readonly name?: string
}

/**
 * Splits `path[:name]`. Names hold colons and so may paths: the longest path that exists wins, and
 * when none does, the first colon ends the path.
 * @param from the folder from which a relative path starts
 */
export async function splitLocation(from: string, text: string): Promise<Location> {
  for (let end = text.length; end > 0; end = text.lastIndexOf(':', end - 1)) {
    const path = resolve(from, text.slice(0, end))
    const exists = await lstat(path).then(
      () => true,
      () => false,
    )
    if (exists) return named(path, text.slice(end + 1))
  }
  const colon = text.indexOf(':')
  return colon === -1
    ? { path: resolve(from, text) }
    : named(resolve(from, text.slice(0, colon)), text.slice(colon + 1))
}

function named(path: string, name: string): Location {
  return name === '' ? { path } : { path, name }
}
