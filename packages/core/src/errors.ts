import { OrchError } from '@orch/oci'

/** Where a hook was running when a tap failed. */
export interface HookPlace {
  readonly hook: string
  readonly plugin: string
  readonly image?: string
  readonly platform?: string
}

/** A plugin's tap failed: it threw, answered with the wrong shape, or did not settle. `cause` is what it threw. */
export class HookError extends OrchError {
  readonly place: HookPlace

  constructor(
    code: string,
    why: string,
    place: HookPlace,
    options: { cause?: unknown; hint?: string } = {},
  ) {
    super(code, `${describe(place)}: ${why}`, options)
    this.place = place
  }
}

function describe({ plugin, hook, image, platform }: HookPlace): string {
  const where = [image, platform].filter(item => item !== undefined).join(' ')
  return `plugin ${plugin}, hook ${hook}${where === '' ? '' : `, ${where}`}`
}
