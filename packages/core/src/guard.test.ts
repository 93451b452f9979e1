import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { HookError } from './errors.ts'
import type { Hooks } from './hooks.ts'
import { imagePlan, planOf, plugin, testOrch, textBuilder } from './test-plugin.ts'
import type { Plugin } from './types/plugin.ts'

/** The errors of building one image with a plugin beside the text builder. */
async function errorsWith(bad: Plugin, signal?: AbortSignal): Promise<readonly Error[]> {
  await using orch = await testOrch([bad, textBuilder()], {
    abortGrace: 50,
    ...(signal === undefined ? {} : { signal }),
  })
  const { images } = await orch.build(
    planOf([imagePlan({ platforms: ['linux/amd64'] })], ['nowhere']),
  )
  return images.flatMap(image => image.errors)
}

describe('a plugin that misbehaves is named, with its hook', () => {
  it('when it throws', async () => {
    const bad = plugin('bad', ({ hooks }) => {
      hooks.layer.tapPromise('bad', async () => {
        throw new Error('no flour')
      })
    })
    const [error] = await errorsWith(bad)
    expect(error).toBeInstanceOf(HookError)
    expect(error).toMatchObject({
      code: 'PLUGIN_FAILED',
      message: 'plugin bad, hook layer, app linux/amd64: no flour',
      place: { plugin: 'bad', hook: 'layer', image: 'app', platform: 'linux/amd64' },
    })
  })

  it.each<[keyof Hooks, unknown, string]>([
    ['resolvePlatforms', 'linux/amd64', 'expected a list of platforms'],
    ['resolvePlatforms', [{ os: 'linux' }], 'is no platform'],
    ['compile', { kind: 'binary' }, 'kind is "binary"'],
    [
      'compile',
      { kind: 'files', config: {}, createdBy: 'x', entries: [{ type: 'file', path: 'a' }] },
      'entry a has no content',
    ],
    ['layer', [{}], 'a layer has no diffId'],
    [
      'manifest',
      { config: { os: 'linux', architecture: 'amd64' }, annotations: { a: 1 } },
      'annotations.a is 1',
    ],
    [
      'index',
      { manifests: [{ digest: 'sha256:1' }], annotations: {}, extra: [] },
      'a manifest is no descriptor',
    ],
  ])('when its answer in %s is %o', async (hook, answer, message) => {
    const bad = plugin('bad', ({ hooks }) => {
      const { tap } = hooks[hook] as unknown as { tap: (name: string, fn: () => unknown) => void }
      tap('bad', () => answer)
    })
    const [error] = await errorsWith(bad)
    expect(error).toMatchObject({ code: 'PLUGIN_ANSWER_INVALID', place: { plugin: 'bad', hook } })
    expect(error?.message).toContain(message)
  })

  it('when it gives tap() an async function, which nobody would await', async () => {
    const bad = plugin('bad', ({ hooks }) => {
      hooks.manifest.tap('bad', (async (draft: unknown) => draft) as never)
    })
    expect(await errorsWith(bad)).toMatchObject([
      { code: 'TAP_NOT_AWAITED', place: { hook: 'manifest' } },
    ])
  })

  it('when it does not settle after an abort', async () => {
    const controller = new AbortController()
    const bad = plugin('bad', ({ hooks }) => {
      hooks.compile.tapPromise('bad', () => {
        setTimeout(() => controller.abort(new Error('enough')), 10)
        return new Promise(() => {})
      })
    })
    expect(await errorsWith(bad, controller.signal)).toMatchObject([
      { code: 'PLUGIN_NOT_SETTLED', place: { plugin: 'bad', hook: 'compile' } },
    ])
  })

  it('but not when it stops because of the abort', async () => {
    const controller = new AbortController()
    const polite = plugin('polite', ({ hooks }) => {
      hooks.compile.tapPromise('polite', async (_target, { signal }) => {
        setTimeout(() => controller.abort(new Error('enough')), 10)
        await sleep(60_000, undefined, { signal })
        return undefined
      })
    })
    const [error] = await errorsWith(polite, controller.signal)
    expect(error).not.toBeInstanceOf(HookError)
  })

  it('when it taps a hook that does not exist', async () => {
    const bad = plugin('bad', ({ hooks }) => {
      ;(hooks as unknown as Record<string, { tap: (name: string, fn: () => void) => void }>)[
        'layers'
      ]?.tap('bad', () => {})
    })
    await expect(testOrch([bad])).rejects.toMatchObject({
      code: 'HOOK_UNKNOWN',
      message: 'plugin bad taps the hook layers, which does not exist',
      hint: expect.stringMatching(/^Did you mean layer\?/),
    })
  })

  it('when its setup fails, or it calls a hook instead of tapping it', async () => {
    const broken = plugin('broken', () => {
      throw new Error('no key')
    })
    await expect(testOrch([broken])).rejects.toThrow('plugin broken: its setup failed: no key')
    const caller = plugin('caller', ({ hooks }) => {
      void hooks.compile.promise(undefined as never, undefined as never)
    })
    await expect(testOrch([caller])).rejects.toThrow('plugin caller uses compile.promise')
  })

  it('under its own name, whatever name it taps with', async () => {
    const liar = plugin('liar', ({ hooks }) => {
      hooks.layer.tap('go', () => {
        throw new Error('x')
      })
    })
    expect(await errorsWith(liar)).toMatchObject([{ place: { plugin: 'liar' } }])
  })
})

describe('taps that behave', () => {
  it('may be of all three kinds, and each is timed', async () => {
    const kinds = plugin('kinds', ({ hooks }) => {
      hooks.index.tap('kinds', draft => ({
        ...draft,
        annotations: { ...draft.annotations, a: 'sync' },
      }))
      hooks.index.tapAsync('kinds', (draft, _context, done) =>
        done(null, { ...draft, annotations: { ...draft.annotations, b: 'async' } }),
      )
      hooks.index.tapPromise('kinds', async draft => ({
        ...draft,
        annotations: { ...draft.annotations, c: 'promise' },
      }))
    })
    await using orch = await testOrch([kinds, textBuilder()])
    const { images } = await orch.build(planOf([imagePlan()]))
    expect(images[0]?.image?.index.annotations).toEqual({ a: 'sync', b: 'async', c: 'promise' })
    const taps = orch.said.filter(event => event.type === 'tap' && event.plugin === 'kinds')
    expect(taps).toHaveLength(3)
    expect(taps[0]).toMatchObject({
      hook: 'index',
      image: 'app',
      ok: true,
      milliseconds: expect.any(Number),
    })
  })
})
