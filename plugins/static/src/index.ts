import type { Plugin } from '@orch/core'
import { UsageError } from '@orch/oci'
import { staticImage } from './image.ts'
import { narrowAll } from './narrow.ts'

const name = 'static'

/**
 * The base `static`: built in, for every platform that Go has, made without network. It holds CA
 * certificates, time zones, the users root and nonroot, `/tmp` and `/etc/nsswitch.conf`.
 */
export function staticBase(): Plugin {
  return {
    name,
    sources: [name],
    setup({ hooks }) {
      hooks.source.tapPromise(name, async (ref, context) => {
        if (ref.scheme !== name) return undefined
        if (ref.text !== name) {
          throw new UsageError('STATIC_REFERENCE_INVALID', `there is no base ${ref.text}`, {
            hint: 'Write `static` alone: each version of orch has one static base.',
          })
        }
        return staticImage(context)
      })

      hooks.resolvePlatforms.tap(name, (platforms, { image, events }) => {
        const { base } = image
        if ((typeof base === 'object' ? base['default'] : base) !== name) return platforms
        const { kept, left } = narrowAll(platforms, image.platforms)
        if (left.length === 0) return platforms
        const oses = [...new Set(left.map(platform => platform.os))].join(', ')
        const count = `${left.length} of the ${platforms.length} platforms`
        events.emit({
          type: 'log',
          level: 'info',
          image: image.name,
          message: `all of the base static leaves out ${count}: no container runtime runs ${oses}. To build one, ask for it by name.`,
        })
        return kept
      })
    },
  }
}
