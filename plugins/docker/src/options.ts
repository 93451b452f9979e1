import type { OptionsSchema } from '@orch/core'
import type { Platform } from '@orch/oci'
import { list, names, platformsIn } from '@orch/options'
import { z } from 'zod'

/** Which platforms go into the engine: its own, all that the image has, or a list. */
export type Wanted = 'native' | 'all' | readonly Platform[]

/** Options of the exporter, checked. */
export interface DockerExportOptions {
  readonly host?: string | undefined
  readonly context?: string | undefined
  /** Undefined for what the engine's image store can hold: all with containerd's, else its own. */
  readonly platforms?: Wanted | undefined
  /** Instead of the image's own. */
  readonly names?: readonly string[] | undefined
}

const platforms = list.transform((items, context): Wanted => {
  const [first] = items
  if (items.length === 1 && (first === 'native' || first === 'all')) return first
  return platformsIn(items, context, 'native, all, or platforms')
})

/** Options of `docker`. */
export const dockerOptions: OptionsSchema<DockerExportOptions> = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .optional()
      .describe(
        'unix:///path, tcp://host:port or ssh://host; by default as the docker command finds it: DOCKER_HOST, DOCKER_CONTEXT, its current context.',
      ),
    context: z.string().min(1).optional().describe('A context of the docker command, by name.'),
    platforms: platforms
      .optional()
      .describe(
        '`native` (the engine’s own), `all`, or a list. By default all where the engine keeps whole indexes (containerd image store), else native.',
      ),
    names: names.optional().describe('Names of the image there, instead of its tags.'),
  })
  .refine(({ host, context }) => host === undefined || context === undefined, {
    message: 'host and context say the same thing twice',
  })
