import { digestOf } from '@orch/oci'
import { expect, it } from 'vitest'
import { testImage } from '../../../../packages/oci/src/graph/test-image.ts'
import { engineImage, type FakeEngine, fakeEngine, requestOf } from './fake-engine.ts'
import type { Request } from './request.ts'
import { takeAway } from './take-away.ts'

const id = digestOf('late')

/** An engine that has made the image when it is asked for it so often, and a request that was given up or not. */
async function lateEngine(
  looks: number,
  isGivenUp: boolean,
  tags: string[] = [],
): Promise<{ engine: FakeEngine; request: Request; asked: () => number }> {
  let asked = 0
  const engine = fakeEngine('containerd', () => {})
  const { inspect } = engine
  engine.inspect = async (name, signal) => {
    asked += 1
    if (asked === looks) engine.held.set(id, engineImage({ id, tags }))
    return await inspect(name, signal)
  }
  const { request } = await requestOf(engine, await testImage(['linux/amd64']))
  const giveUp = new AbortController()
  if (isGivenUp) giveUp.abort()
  const context = { ...request.context, signal: giveUp.signal }
  return { engine, request: { ...request, context }, asked: () => asked }
}

it('takes away what an engine makes just after a load was given up', async () => {
  const { engine, request } = await lateEngine(2, true)
  await takeAway(request, [id], [])
  expect(engine.removed).toEqual([id])
})

it('looks once after a load that failed: the engine has ended it', async () => {
  const { engine, request, asked } = await lateEngine(2, false)
  await takeAway(request, [id], [])
  expect({ asked: asked(), removed: engine.removed }).toEqual({ asked: 1, removed: [] })
})

it('leaves what has got a name, and what was there before', async () => {
  const { engine, request } = await lateEngine(1, true, ['x:1'])
  await takeAway(request, [id], [])
  const earlier = engineImage({ id: digestOf('earlier') })
  engine.held.set(earlier.id, earlier)
  await takeAway(request, [earlier.id], [earlier])
  expect(engine.removed).toEqual([])
})

it('goes on when it is given up meanwhile', async () => {
  const { engine, request } = await lateEngine(1, false)
  const giveUp = new AbortController()
  const { inspect } = engine
  engine.inspect = async (name, signal) => {
    giveUp.abort(new Error('Ctrl-C'))
    signal.throwIfAborted()
    return await inspect(name, signal)
  }
  const context = { ...request.context, signal: giveUp.signal }
  await takeAway({ ...request, context }, [id], [])
  expect(engine.removed).toEqual([id])
})
