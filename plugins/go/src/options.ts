import { z } from 'zod'

const text = z.string().min(1)

/** `build:` of an image that the go plugin builds, as its schema leaves it. */
export interface GoOptions {
  readonly go: string
  readonly dir: string
  readonly name?: string | undefined
  readonly flags: readonly string[]
  readonly ldflags: string | readonly string[]
  readonly tags: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cgo: boolean
  readonly path?: string | undefined
  readonly args?: readonly string[] | undefined
}

export const goOptions: z.ZodType<GoOptions> = z.strictObject({
  go: text
    .regex(/^[^-]/, 'a package does not begin with "-"')
    .refine(name => !/\.\.\.|@|\s|\.go$/.test(name), 'name one package, such as ./cmd/api')
    .describe('The command to build: a folder such as ./cmd/api, or an import path of the module.'),
  dir: text.default('.').describe('The folder of the Go module, relative to the project folder.'),
  name: text
    .regex(/^[^/\\:]+$/, 'a name has no "/", "\\" or ":"')
    .refine(name => name !== '.' && name !== '..', 'this is not a name')
    .optional()
    .describe('The name of the program; by default as go build names it.'),
  flags: z.array(text).default([]).describe('Flags of go build; templates are expanded.'),
  ldflags: z
    .union([z.string(), z.array(text)])
    .default([])
    .describe('Flags of the linker; templates such as {{.Git.FullCommit}} are expanded.'),
  tags: z.array(text).default([]).describe('Build tags.'),
  env: z
    .record(z.string(), z.string())
    .default({})
    .describe('Environment of the go command; templates are expanded.'),
  cgo: z
    .boolean()
    .default(false)
    .describe('Build with cgo. Such programs are compiled every time.'),
  path: text
    .regex(/^\/(?!.*\/$)[^\\:]+$/, 'write an absolute path with "/", such as /app/api')
    .refine(path => !path.split('/').includes('..'), 'the path may not leave the root')
    .optional()
    .describe(
      'Where the program stands in the image; /app/<name> by default, on Windows below C:\\.',
    ),
  args: z.array(z.string()).optional().describe('Arguments of the program: Cmd of the image.'),
})
