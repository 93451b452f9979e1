import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Scripted } from './engine/scripted.ts'
import { Engines } from './pool.ts'

let scripted: Scripted

beforeAll(async () => {
  scripted = await Scripted.begin()
})
afterAll(() => scripted.end())

const { signal } = new AbortController()

it('ends what is still being reached when it is closed', async () => {
  const asked = Promise.withResolvers<void>()
  const path = await scripted.engine('silent', { 'GET /version': () => asked.resolve() })
  const engines = new Engines()
  const engine = engines.of({ host: `unix://${path}` }, { env: {}, signal, offline: false })
  const ended = engine.then(
    () => 'it was reached',
    () => 'ended',
  )
  await asked.promise
  const closed = engines.close().then(() => 'closed')
  // An engine that says nothing is waited for ten seconds otherwise.
  expect(await Promise.race([closed, delay(2_000, 'it still waits')])).toBe('closed')
  expect(await ended).toBe('ended')
})
