import { nearestFirst, UsageError } from '@orch/oci'
import type { Hooks } from './hooks.ts'

type TapOptions =
  | string
  | { readonly name?: string; readonly stage?: number; readonly before?: string | string[] }

/**
 * The hooks as one plugin sees them: whatever it taps carries its name, and a hook that does not exist
 * is an error that names the plugin, the hook and the nearest real one.
 */
export function hooksFor(plugin: string, hooks: Hooks): Hooks {
  return new Proxy(hooks, {
    get(target, key) {
      if (typeof key === 'symbol' || key === 'then') return undefined
      if (!Object.hasOwn(target, key)) throw unknownHook(plugin, key, Object.keys(target))
      const hook = target[key as keyof Hooks]
      if (key !== 'export') return tapOnly(plugin, key, hook)
      return { for: (name: string) => tapOnly(plugin, `export.${name}`, target.export.for(name)) }
    },
  })
}

function unknownHook(plugin: string, hook: string, known: readonly string[]): UsageError {
  const [nearest = ''] = nearestFirst(hook, known)
  return new UsageError(
    'HOOK_UNKNOWN',
    `plugin ${plugin} taps the hook ${hook}, which does not exist`,
    {
      hint: `Did you mean ${nearest}? The hooks are ${known.join(', ')}.`,
    },
  )
}

/** A hook of which only the tap functions can be used. */
function tapOnly(plugin: string, hook: string, real: object): object {
  return new Proxy(real, {
    get(target, key) {
      if (key !== 'tap' && key !== 'tapAsync' && key !== 'tapPromise') {
        if (typeof key === 'symbol' || key === 'then') return undefined
        throw new UsageError('HOOK_UNKNOWN', `plugin ${plugin} uses ${hook}.${key}`, {
          hint: 'A plugin may call tap, tapAsync and tapPromise of a hook.',
        })
      }
      return (options: TapOptions, fn: unknown) => {
        if (typeof fn !== 'function') {
          throw new UsageError(
            'PLUGIN_INVALID',
            `plugin ${plugin} taps ${hook} with ${typeof fn}, not a function`,
          )
        }
        const tap = Reflect.get(target, key) as (options: object, fn: unknown) => void
        tap.call(target, { ...(typeof options === 'string' ? {} : options), name: plugin }, fn)
      }
    },
  })
}
