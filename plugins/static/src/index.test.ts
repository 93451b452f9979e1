import type { BuildContext, EventInput, Hooks, ImageContext, SourceRef } from '@orch/core'
import { createHooks } from '@orch/core'
import * as oci from '@orch/oci'
import { formatPlatform } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { staticBase } from './index.ts'
import { staticPlatforms } from './platforms.ts'

function tapped(): Hooks {
  const hooks = createHooks()
  staticBase().setup({ hooks, root: '/', settings: { values: {}, root: '/' }, oci })
  return hooks
}

/** What the hook makes of every platform of the base, and what it says. */
async function resolve(
  requested: readonly string[],
  base = 'static',
): Promise<{ platforms: string[]; events: EventInput[] }> {
  const events: EventInput[] = []
  const context = {
    image: { name: 'api', base, platforms: requested },
    events: { emit: (event: EventInput) => events.push(event) },
  } as unknown as ImageContext
  const platforms = await tapped().resolvePlatforms.promise(staticPlatforms, context)
  return { platforms: platforms.map(formatPlatform), events }
}

const source = (ref: SourceRef): Promise<unknown> =>
  tapped().source.promise(ref, {} as unknown as BuildContext)

describe('the platform `all` of the static base', () => {
  it('is what container runtimes run, and a log line counts what is left out', async () => {
    const { platforms, events } = await resolve(['all'])
    expect(new Set(platforms.map(name => name.split('/')[0]))).toEqual(
      new Set(['freebsd', 'linux', 'windows']),
    )
    expect(platforms).toContain('linux/arm/v5')
    const left = staticPlatforms.length - platforms.length
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ type: 'log', level: 'info', image: 'api' })
    expect(events[0]).toHaveProperty(
      'message',
      expect.stringContaining(`${left} of the ${staticPlatforms.length} platforms`),
    )
  })

  it('never drops a platform that was asked for by name', async () => {
    const { platforms } = await resolve(['all', 'plan9/386', 'local', 'wasip1/wasm'])
    expect(platforms).toContain('plan9/386')
    expect(platforms).toContain('wasip1/wasm')
    expect(platforms).not.toContain('plan9/amd64')
  })

  it('leaves other requests and other bases alone', async () => {
    const every = staticPlatforms.map(formatPlatform)
    expect(await resolve(['plan9/386', 'aix/ppc64'])).toEqual({ platforms: every, events: [] })
    expect(await resolve(['all'], 'oci:dir')).toEqual({ platforms: every, events: [] })
  })
})

describe('the source of the static base', () => {
  it('opens static, and leaves other references to other plugins', async () => {
    expect(await source({ scheme: 'static', rest: '', text: 'static' })).toHaveProperty('root')
    expect(await source({ scheme: 'oci', rest: 'x', text: 'oci:x' })).toBeUndefined()
  })

  it('refuses static with something behind it', async () => {
    const ref = { scheme: 'static', rest: 'v2', text: 'static:v2' }
    await expect(source(ref)).rejects.toMatchObject({ code: 'STATIC_REFERENCE_INVALID' })
  })
})
