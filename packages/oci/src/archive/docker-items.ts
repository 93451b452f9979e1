import { OrchError } from '../errors.ts'
import { isObject, type Json } from '../json.ts'
import type { DockerManifestItem } from './format.ts'

/** The most images of a docker archive that are read, and the most layers and names of all of them. */
const maxItems = 1000
const maxParts = 100_000

/** Reads the value of a docker archive's `manifest.json`. Throws `ARCHIVE_INVALID`, also for too long a list. */
export function parseDockerItems(value: Json, archive: string): readonly DockerManifestItem[] {
  if (!Array.isArray(value)) return malformed(archive)
  if (value.length > maxItems) {
    throw new OrchError(
      'ARCHIVE_INVALID',
      `${archive}: manifest.json lists ${value.length} images; at most ${maxItems} are read`,
    )
  }
  let parts = 0
  return value.map((item: Json) => {
    if (!isObject(item)) return malformed(archive)
    const { Config, RepoTags = null, Layers } = item
    if (typeof Config !== 'string' || !areTexts(Layers)) return malformed(archive)
    if (RepoTags !== null && !areTexts(RepoTags)) return malformed(archive)
    parts += Layers.length + (RepoTags?.length ?? 0)
    if (parts <= maxParts) return { Config, RepoTags, Layers }
    throw new OrchError(
      'ARCHIVE_INVALID',
      `${archive}: manifest.json lists more than ${maxParts} layers and names`,
    )
  })
}

function areTexts(value: Json | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every(text => typeof text === 'string')
}

function malformed(archive: string): never {
  throw new OrchError(
    'ARCHIVE_INVALID',
    `${archive}: manifest.json is not a list of {Config, RepoTags, Layers}`,
  )
}
