import { z } from 'zod'

const shared = {
  dest: z
    .string()
    .min(1)
    .default('dist/{name}.tar')
    .describe(
      'File to write, from the project folder. `{name}` is the image; several images need it.',
    ),
  compression: z
    .enum(['none', 'gzip', 'zstd'])
    .default('none')
    .describe('Of the archive as a whole.'),
}

/** Options of `oci-archive`. */
export const ociOptions: z.ZodType<OciOptions> = z.strictObject(shared)
/** Options of `docker-archive`. */
export const dockerOptions: z.ZodType<DockerOptions> = z.strictObject({
  ...shared,
  dest: shared.dest.default('dist/{name}.docker.tar'),
  platform: z
    .string()
    .optional()
    .describe('The one platform that the archive holds; needed when the image has several.'),
})

export interface OciOptions {
  readonly dest: string
  readonly compression: 'none' | 'gzip' | 'zstd'
}

export interface DockerOptions extends OciOptions {
  readonly platform?: string | undefined
}
