import { z } from 'zod'

const destination = z
  .string()
  .regex(/^\//, 'must be an absolute path in the image, such as /etc/app/config.yaml')
  .refine(path => !path.split('/').includes('..'), 'must not contain ..')
  .refine(path => !path.includes('\0'), 'must not contain a NUL byte')
const mode = z
  .string('must be octal digits in quotes, such as "0755"')
  .regex(/^[0-7]{3,4}$/, 'must be octal digits, such as "0755"')
/** The largest uid and gid; the one above it means "leave it" to chown(2). */
const maxOwner = 0xffff_fffe
const owner = z
  .string('must be "uid:gid" in quotes, such as "65532:65532"')
  .regex(/^\d{1,10}:\d{1,10}$/, 'must be numbers as "uid:gid", such as "65532:65532"')
  .refine(
    text => text.split(':').every(id => Number(id) <= maxOwner),
    `must not go above ${maxOwner}`,
  )

const item = z
  .strictObject({
    from: z.string().min(1).optional().describe('A file or folder, relative to the project folder'),
    link: z.string().min(1).optional().describe('Where a symlink at `to` points'),
    dir: z.literal(true).optional().describe('Makes an empty directory at `to`'),
    to: destination.describe('The absolute path in the image'),
    mode: mode.optional().describe('Octal; by default 0755 for what is executable, else 0644'),
    owner: owner.optional().describe('"uid:gid"; by default 0:0'),
  })
  .superRefine(({ from, link, dir, mode, owner }, context) => {
    const kinds = [from, link, dir].filter(kind => kind !== undefined).length
    if (kinds !== 1) {
      const message = `needs exactly one of from, link and dir, and has ${kinds === 0 ? 'none' : kinds}`
      context.addIssue({ code: 'custom', message })
    }
    for (const [key, value] of Object.entries({ mode, owner })) {
      if (link === undefined || value === undefined) continue
      context.addIssue({ code: 'custom', path: [key], message: 'does not go with link' })
    }
  })

/** One item of `files`: exactly one of `from`, `link` and `dir` is there. */
export interface FilesItem {
  readonly from?: string | undefined
  readonly link?: string | undefined
  readonly dir?: true | undefined
  readonly to: string
  /** Octal digits. */
  readonly mode?: string | undefined
  /** `uid:gid`. */
  readonly owner?: string | undefined
}

/** The value of an image's key `files`. */
export const filesSchema: z.ZodType<readonly FilesItem[]> = z
  .array(item)
  .describe('Files, folders, symlinks and empty directories, put into a layer above the base')
