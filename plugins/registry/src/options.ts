import type { OptionsSchema } from '@orch/core'
import {
  type AnnotationRule,
  type Compression,
  isTag,
  messageOf,
  type Platform,
  parseAnnotationOption,
} from '@orch/oci'
import { flag, list, platformsIn } from '@orch/options'
import { z } from 'zod'
import { repositoryReference } from './reference.ts'

/** Options of the exporter, checked. */
export interface RegistryExportOptions {
  /** `host/path`, put before the names; without it, the image's references say where it goes. */
  readonly repository?: string | undefined
  readonly naming: Naming
  /** Instead of those of the image's references. */
  readonly tags?: readonly string[] | undefined
  readonly pushByDigest: boolean
  readonly insecure: boolean
  /** Undefined for all that the image has. */
  readonly platforms?: readonly Platform[] | undefined
  readonly compression?: Compression | undefined
  /** Of all layers, the base's too. */
  readonly forceCompression: boolean
  /** Undefined to leave media types as they are. */
  readonly ociMediaTypes?: boolean | undefined
  readonly referrers: boolean
  readonly annotations: readonly AnnotationRule[]
}

/** What follows `repository`: the image's name, the path of its own references, or nothing. */
export type Naming = 'name' | 'path' | 'bare'

const platforms = list.transform((items, context) => platformsIn(items, context))

const tags = list.transform((items, context): readonly string[] => {
  const wrong = items.find(item => !isTag(item))
  if (wrong !== undefined)
    context.addIssue({ code: 'custom', message: `${JSON.stringify(wrong)} is no tag` })
  if (items.length === 0) context.addIssue({ code: 'custom', message: 'expected at least one tag' })
  return [...new Set(items)]
})

const repository = z
  .string()
  .min(1)
  .transform((written, context): string => {
    const text = written.replace(/\/$/, '')
    try {
      const { tag, digest } = repositoryReference(text)
      if (tag === undefined && digest === undefined) return text
      const message = `${JSON.stringify(text)} has a tag or a digest; tags= says the tags`
      context.addIssue({ code: 'custom', message })
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) })
    }
    return z.NEVER
  })

const known = {
  repository: repository
    .optional()
    .describe('Where images go, such as `example.com/team`; by default where their tags say.'),
  naming: z
    .enum(['name', 'path', 'bare'])
    .optional()
    .describe(
      'What follows `repository`: the `name` of the image (the default), the `path` of its own tags, or nothing (`bare`).',
    ),
  tags: tags.optional().describe("Tags, instead of those that the image's own `tags` end in."),
  'push-by-digest': flag.default(false).describe('Write no tag.'),
  insecure: flag
    .default(false)
    .describe('Speak to the registry with any certificate, or without TLS.'),
  platforms: platforms.optional().describe('The platforms to push; all by default.'),
  compression: z
    .enum(['gzip', 'zstd', 'none', 'uncompressed'])
    .optional()
    .describe('Of the layers, but for those of the base.'),
  'compression-level': z
    .union([z.number().int(), z.string().regex(/^\d+$/).transform(Number)])
    .optional()
    .describe('1 to 9 for gzip, 1 to 19 for zstd.'),
  'force-compression': flag.default(false).describe('Compress the layers of the base too.'),
  'oci-mediatypes': flag
    .optional()
    .describe("`false` for Docker's media types, `true` for OCI's; by default they stay."),
  referrers: flag
    .default(false)
    .describe('Push also what refers to the image: signatures, SBOMs. For copies.'),
}

/** Options of `registry`; beside those that are named, annotations as buildx has them. */
export const registryOptions: OptionsSchema<RegistryExportOptions> = z
  .looseObject(known)
  .transform((given, context): RegistryExportOptions => {
    const rules = annotationRules(given, context)
    refuseIdle(given, context)
    return {
      repository: given.repository,
      naming: given.naming ?? 'name',
      tags: given.tags,
      pushByDigest: given['push-by-digest'],
      insecure: given.insecure,
      platforms: given.platforms,
      compression: compressionOf(given, context),
      forceCompression: given['force-compression'],
      ociMediaTypes: given['oci-mediatypes'],
      referrers: given.referrers,
      annotations: rules,
    }
  })

type Context = z.RefinementCtx

/** Options that others would make mean nothing. */
function refuseIdle(
  given: Readonly<{
    repository?: string | undefined
    naming?: Naming | undefined
    tags?: readonly string[] | undefined
    'push-by-digest': boolean
  }>,
  context: Context,
): void {
  const fail = (path: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [path], message })
  if (given['push-by-digest'] && given.tags !== undefined)
    fail('tags', 'there are none with `push-by-digest`')
  if (given.naming !== undefined && given.repository === undefined)
    fail('naming', 'it needs `repository` beside it')
}

const annotationForms =
  'expected annotation.KEY, annotation[PLATFORM].KEY, annotation-manifest[PLATFORM].KEY, annotation-manifest-descriptor[PLATFORM].KEY (all without [PLATFORM], too) or annotation-index.KEY'

function annotationRules(
  given: Readonly<Record<string, unknown>>,
  context: Context,
): readonly AnnotationRule[] {
  const rules: AnnotationRule[] = []
  const unknown: string[] = []
  for (const [key, value] of Object.entries(given)) {
    if (Object.hasOwn(known, key)) continue
    const path = [key]
    if (key.startsWith('annotation') && typeof value !== 'string') {
      context.addIssue({ code: 'custom', path, message: 'expected text' })
      continue
    }
    try {
      const rule = parseAnnotationOption(key, String(value))
      if (rule?.level === 'index-descriptor') {
        const message = `a registry keeps no descriptor of an index; annotation-index.${rule.key} is on the index`
        context.addIssue({ code: 'custom', path, message })
      } else if (rule !== undefined) rules.push(rule)
      else if (!key.startsWith('annotation')) unknown.push(key)
      else context.addIssue({ code: 'custom', path, message: annotationForms })
    } catch (error) {
      context.addIssue({ code: 'custom', path, message: messageOf(error) })
    }
  }
  if (unknown.length > 0) {
    const message = `Unrecognized keys: ${unknown.join(', ')}`
    context.addIssue({ code: 'unrecognized_keys', keys: unknown, input: { ...given }, message })
  }
  return rules
}

const highest = { gzip: 9, zstd: 19 }

function compressionOf(
  given: Readonly<{
    compression?: 'gzip' | 'zstd' | 'none' | 'uncompressed' | undefined
    'compression-level'?: number | undefined
    'force-compression': boolean
  }>,
  context: Context,
): Compression | undefined {
  const { compression, 'compression-level': level } = given
  const fail = (path: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [path], message })
  if (compression === undefined) {
    if (level !== undefined) fail('compression-level', 'it needs `compression` beside it')
    if (given['force-compression']) fail('force-compression', 'it needs `compression` beside it')
    return undefined
  }
  if (compression === 'none' || compression === 'uncompressed') {
    if (level !== undefined) fail('compression-level', `${compression} has no level`)
    return { type: 'none' }
  }
  if (level === undefined) return { type: compression }
  if (level < 1 || level > highest[compression])
    fail('compression-level', `expected 1 to ${highest[compression]} for ${compression}`)
  return { type: compression, level }
}
