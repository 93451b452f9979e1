import { messageOf, OrchError } from '@orch/oci'
import type { AsyncHook, HookMap } from 'tapable'
import { HookError, type HookPlace } from './errors.ts'
import type { Hooks } from './hooks.ts'
import { shapes } from './shapes.ts'
import type { ShutdownContext, TargetContext } from './types/context.ts'

/** How long a tap may go on after an abort. */
export const abortGraceMs = 5000

// biome-ignore lint/suspicious/noExplicitAny: tapable types a tap's function by its hook; this wraps every hook's.
type AnyFunction = (...args: any[]) => unknown
type Tap = {
  readonly name: string
  readonly type: 'sync' | 'async' | 'promise'
  readonly fn: AnyFunction
}

/**
 * Wraps every tap of every hook: times it, names plugin and hook when it throws, checks the shape of
 * its answer, and gives up on one that does not settle after an abort.
 */
export function guardHooks(hooks: Hooks, grace: number): void {
  for (const [name, hook] of Object.entries(hooks) as [keyof Hooks, Hooks[keyof Hooks]][]) {
    if (name === 'export') {
      ;(hook as unknown as HookMap<AsyncHook<unknown[], unknown>>).intercept({
        factory: (key, made) =>
          guardHook(`export.${String(key)}`, name, made as AsyncHook<unknown[], unknown>, grace),
      })
    } else guardHook(name, name, hook as unknown as AsyncHook<unknown[], unknown>, grace)
  }
}

function guardHook(
  shown: string,
  name: keyof Hooks,
  hook: AsyncHook<unknown[], unknown>,
  grace: number,
): AsyncHook<unknown[], unknown> {
  hook.intercept({
    register: tap => {
      const { fn, type, name: plugin } = tap as unknown as Tap
      const guarded = (...args: unknown[]): Promise<unknown> => {
        const context = args.find(isContext)
        const place = placeOf(shown, plugin, context)
        return timed(place, context, () =>
          settle(callTap(fn, type, args, place), place, context, grace, name),
        )
      }
      return { ...tap, type: 'promise', fn: guarded }
    },
  })
  return hook
}

function isContext(value: unknown): value is ShutdownContext & Partial<TargetContext> {
  return typeof value === 'object' && value !== null && 'signal' in value && 'events' in value
}

function placeOf(
  hook: string,
  plugin: string,
  context: Partial<TargetContext> | undefined,
): HookPlace {
  const image = context?.image?.name
  const platform = context?.platformName
  return {
    hook,
    plugin,
    ...(image === undefined ? {} : { image }),
    ...(platform === undefined ? {} : { platform }),
  }
}

/** Calls a tap of any kind as a promise. */
async function callTap(
  fn: AnyFunction,
  type: Tap['type'],
  args: unknown[],
  place: HookPlace,
): Promise<unknown> {
  if (type === 'async') {
    return new Promise((resolve, reject) => {
      fn(...args, (error: unknown, value: unknown) => (error ? reject(error) : resolve(value)))
    })
  }
  const answer = fn(...args)
  const thenable = typeof (answer as PromiseLike<unknown> | undefined)?.then === 'function'
  if (type === 'sync' && thenable) {
    Promise.resolve(answer).catch(() => {})
    throw new HookError(
      'TAP_NOT_AWAITED',
      'tap() was given a function that returns a promise',
      place,
      {
        hint: 'Use tapPromise() for it: tap() does not wait.',
      },
    )
  }
  return answer
}

async function settle(
  answer: Promise<unknown>,
  place: HookPlace,
  context: ShutdownContext | undefined,
  grace: number,
  name: keyof Hooks,
): Promise<unknown> {
  let value: unknown
  try {
    value = await (context === undefined
      ? answer
      : abandonable(answer, context.signal, grace, place))
  } catch (error) {
    if (error instanceof HookError || context?.signal.aborted === true) throw error
    const hint = error instanceof OrchError ? error.hint : undefined
    const code = error instanceof OrchError ? error.code : 'PLUGIN_FAILED'
    throw new HookError(code, messageOf(error), place, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    })
  }
  const problem = value === undefined ? undefined : problemOf(name, value)
  if (problem === undefined) return value
  throw new HookError('PLUGIN_ANSWER_INVALID', `answered with the wrong shape: ${problem}`, place, {
    hint: 'See the type Hooks of the package orch.',
  })
}

/** What is wrong with an answer; looking at it may fail, since its getters are the plugin's. */
function problemOf(name: keyof Hooks, value: unknown): string | undefined {
  try {
    return shapes[name](value)
  } catch (error) {
    return messageOf(error)
  }
}

/** The answer, or `PLUGIN_NOT_SETTLED` when it does not come within the grace after an abort. */
export function abandonable<T>(
  answer: Promise<T>,
  signal: AbortSignal,
  grace: number,
  place: HookPlace,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    const onAbort = (): void => {
      timer = setTimeout(() => {
        reject(
          new HookError(
            'PLUGIN_NOT_SETTLED',
            `did not settle within ${grace / 1000} s of the abort`,
            place,
            {
              hint: 'Its tap must heed context.signal.',
            },
          ),
        )
      }, grace)
    }
    const finish = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    answer.then(resolve, reject).finally(finish)
  })
}

async function timed<T>(
  place: HookPlace,
  context: ShutdownContext | undefined,
  run: () => Promise<T>,
): Promise<T> {
  const began = performance.now()
  let ok = false
  try {
    const value = await run()
    ok = true
    return value
  } finally {
    context?.events.emit({ type: 'tap', ...place, milliseconds: performance.now() - began, ok })
  }
}
