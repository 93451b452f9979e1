import { localPlatform, messageOf, type Platform, parsePlatform, parseReference } from '@orch/oci'
import { z } from 'zod'

/** A list, or text as the command line gives it: between commas or spaces. */
export const list: z.ZodType<string[]> = z.union([
  z.array(z.string().min(1)),
  z.string().transform(text => text.split(/[\s,]+/).filter(item => item !== '')),
])

/** A list of references. */
export const names: z.ZodType<string[]> = list.superRefine((items, context) => {
  for (const item of items) {
    try {
      parseReference(item)
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) })
    }
  }
})

/** True or false, or either as the command line gives it. */
export const flag: z.ZodType<boolean> = z.union([
  z.boolean(),
  z.enum(['true', 'false']).transform(text => text === 'true'),
])

/**
 * Reads platforms, of which there must be one at least; `local` is that of this machine.
 * @param expected what else may stand there, for messages
 */
export function platformsIn(
  items: readonly string[],
  context: z.RefinementCtx,
  expected?: string,
): Platform[] {
  const found: Platform[] = []
  for (const item of items) {
    try {
      found.push(item === 'local' ? localPlatform() : parsePlatform(item))
    } catch (error) {
      const why = messageOf(error)
      const message = expected === undefined ? why : `${why}; expected ${expected}`
      context.addIssue({ code: 'custom', message })
    }
  }
  if (items.length === 0)
    context.addIssue({ code: 'custom', message: `expected ${expected ?? 'at least one platform'}` })
  return found
}
