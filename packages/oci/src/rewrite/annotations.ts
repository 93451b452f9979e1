import type { Annotations } from '../documents/descriptor.ts'
import { matchesPlatform, type Platform, parsePlatform } from '../documents/platform.ts'
import type { Edits } from './edits.ts'

/** Where in an image an annotation goes. */
export type AnnotationLevel = 'manifest' | 'manifest-descriptor' | 'index' | 'index-descriptor'

/** One annotation that is to be put on an image. */
export interface AnnotationRule {
  readonly level: AnnotationLevel
  /** Of manifests and their descriptors: for this platform alone. */
  readonly platform?: Platform
  readonly key: string
  readonly value: string
}

const grammar =
  /^annotation(?:-(manifest|manifest-descriptor|index|index-descriptor))?(?:\[([^\]]*)\])?\.(.+)$/s

/**
 * Reads an option as buildx has them: `annotation[-manifest|-manifest-descriptor|-index|-index-descriptor][[os/arch]].KEY`;
 * without a level it is the manifest's. Undefined for anything else, and for a platform on an index.
 * Throws `PLATFORM_INVALID`.
 */
export function parseAnnotationOption(option: string, value: string): AnnotationRule | undefined {
  const match = grammar.exec(option)
  if (match === null) return undefined
  const [, level = 'manifest', platform, key = ''] = match
  if (platform !== undefined && level.startsWith('index')) return undefined
  return {
    level: level as AnnotationLevel,
    ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
    key,
    value,
  }
}

/** Puts annotations on an image; those that are there under other keys stay. */
export function annotationsEdit(rules: readonly AnnotationRule[]): Edits {
  const added = (
    before: Annotations | undefined,
    level: AnnotationLevel,
    platform?: Platform,
  ): { annotations?: Annotations } => {
    const own = rules.filter(
      rule =>
        rule.level === level &&
        (rule.platform === undefined ||
          (platform !== undefined && matchesPlatform(rule.platform, platform))),
    )
    if (own.length === 0) return {}
    return {
      annotations: { ...before, ...Object.fromEntries(own.map(rule => [rule.key, rule.value])) },
    }
  }
  return {
    manifest: (manifest, platform) => ({
      ...manifest,
      ...added(manifest.annotations, 'manifest', platform),
    }),
    index: index => ({ ...index, ...added(index.annotations, 'index') }),
    descriptor: (descriptor, platform) => ({
      ...descriptor,
      ...(platform === undefined
        ? added(descriptor.annotations, 'index-descriptor')
        : added(descriptor.annotations, 'manifest-descriptor', platform)),
    }),
  }
}
