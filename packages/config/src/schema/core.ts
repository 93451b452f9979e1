import { OrchError } from '@orch/oci'
import { z } from 'zod'
import type { ProjectConfig, ProjectImage } from '../define.ts'
import { parseExport } from '../export-text.ts'
import { normalizeBaseKey, normalizePlatformText } from '../platforms.ts'
import type { Tables } from '../tables.ts'
import { normalizeTag } from '../tags.ts'

/** A string that a parser takes; what the parser says of a wrong one is the problem. */
function parsed(parse: (text: string) => unknown): z.ZodString {
  return z.string().superRefine((text, context) => {
    try {
      parse(text)
    } catch (error) {
      if (!(error instanceof OrchError)) throw error
      context.addIssue({ code: 'custom', message: error.message, params: { hint: error.hint } })
    }
  })
}

const text = z.string().min(1)
const platforms = z.array(parsed(normalizePlatformText)).min(1)
const texts = z.record(z.string().min(1, 'expected a name that is not empty'), z.string())
const environment = z.record(
  z.string().regex(/^[^=\0]+$/, 'expected the name of a variable, without ='),
  z.string(),
)
const imageName = z
  .string()
  .regex(
    /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/,
    'expected a name of lower-case letters and digits, single . _ or - between them',
  )

const highestLevel = { gzip: 9, zstd: 19, none: 0 }
const compressionType = z.enum(['gzip', 'zstd', 'none'])
const compression = z.union([
  compressionType,
  z
    .strictObject({ type: compressionType, level: z.int().optional() })
    .superRefine(({ type, level }, context) => {
      const highest = highestLevel[type]
      if (level === undefined || (level >= 1 && level <= highest)) return
      const message =
        highest === 0 ? 'none has no level' : `expected 1 to ${highest} for ${type}, got ${level}`
      context.addIssue({ code: 'custom', path: ['level'], message })
    }),
])

const base = z.union([
  text,
  z
    .record(parsed(normalizeBaseKey), text)
    .refine(bases => Object.keys(bases).length > 0, 'expected a platform or default'),
])

const image = {
  base: base
    .optional()
    .describe(
      'The image to build on: static (the default), scratch, or a source such as oci:dir or example.com/x:1; or a map of these by platform, with default for the rest.',
    ),
  platforms: platforms.optional().describe('Instead of the platforms of the project.'),
  tags: z
    .array(parsed(normalizeTag))
    .optional()
    .describe('References under which the image is exported; by default its name with :latest.'),
  entrypoint: z
    .array(z.string())
    .optional()
    .describe('The command, instead of the one the builder sets.'),
  cmd: z.array(z.string()).optional().describe('Arguments after the entrypoint.'),
  env: environment.optional().describe('Environment variables of the container.'),
  user: text.optional().describe('user[:group], by name or number.'),
  workdir: z
    .string()
    .regex(/^(?:\/|[A-Za-z]:[\\/])/, 'expected an absolute path')
    .optional()
    .describe('Where the container starts.'),
  labels: texts.optional().describe('Labels of the image config.'),
  annotations: texts.optional().describe('Annotations of the index and of every manifest.'),
  compression: compression
    .optional()
    .describe(
      'How layers are compressed: gzip (the default), zstd or none; with a level if wanted.',
    ),
}

/** The keys of images that are not plugins'. */
export const coreImageKeys: readonly string[] = ['build', ...Object.keys(image)]

function build(builders: Iterable<string>): z.ZodType<ProjectImage['build']> {
  const error = `expected a map with one of ${[...builders].join(', ')}`
  return z
    .record(z.string(), z.unknown(), { error })
    .describe('How the image is made: one builder with what it builds, and its options.')
}

/** The keys at the top that are not plugins'. */
export const coreProjectKeys: readonly string[] = [
  '$schema',
  'platforms',
  'images',
  'export',
  'plugins',
]

/** The plugins' entry of a project file, which is needed before the rest can be checked. */
export const pluginEntries: z.ZodType<NonNullable<ProjectConfig['plugins']>> = z
  .array(z.union([text, z.strictObject({ use: text, options: z.unknown().optional() })]))
  .describe('Plugins by path (./x.ts) or package name, with options if they take any.')

/**
 * The schema of a project file, but for what plugins define: their keys are let through, and what
 * stands in them is checked by the plugins' own schemas.
 */
export function projectFileSchema({
  builders,
  imageKeys,
  projectKeys,
}: Tables): z.ZodType<ProjectConfig> {
  const extensions = openKeys(imageKeys)
  return z.strictObject({
    $schema: z.string().optional().describe('For editors; not read.'),
    platforms: platforms
      .optional()
      .describe(
        'What images are built for: os/architecture[/variant], all (of the base), local (the default).',
      ),
    images: z
      .record(
        imageName,
        z.strictObject({ build: build(builders.keys()), ...image, ...extensions }),
        {
          error: 'expected a map of images by name',
        },
      )
      .refine(images => Object.keys(images).length > 0, 'expected at least one image')
      .describe('The images by name.'),
    export: z
      .array(z.union([parsed(parseExport), z.record(z.string(), z.unknown())]))
      .min(1)
      .optional()
      .describe('Where images go: exporters, with options; by default layout.'),
    plugins: pluginEntries.optional(),
    ...openKeys(projectKeys),
  })
}

function openKeys(table: Tables['imageKeys']): Record<string, z.ZodType> {
  return Object.fromEntries([...table.keys()].map(key => [key, z.unknown().optional()]))
}
