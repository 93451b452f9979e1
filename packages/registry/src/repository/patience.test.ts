import { beforeEach, expect, it, vi } from 'vitest'
import { BrokenError } from '../transport/failures.ts'
import { Patience } from './patience.ts'

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0) // no pauses of our own
})

it('waits as long as a registry in trouble asks for', async () => {
  const began = performance.now()
  await new Patience().after(new BrokenError('busy', 300, {}), 0, undefined)
  expect(performance.now() - began).toBeGreaterThan(290)
})

it('ends that wait on an abort', async () => {
  const signal = AbortSignal.timeout(50)
  const waiting = new Patience().after(new BrokenError('busy', 60_000, {}), 0, signal)
  await expect(waiting).rejects.toThrow(/timeout/)
})

it('is at an end after eight failures without progress, and not with it', async () => {
  const error = new Error('cut')
  const hopeless = new Patience()
  for (let turn = 0; turn < 8; turn++) await hopeless.after(error, 0, undefined)
  await expect(hopeless.after(error, 0, undefined)).rejects.toBe(error)
  const hopeful = new Patience()
  for (let turn = 0; turn < 30; turn++) await hopeful.after(error, 1024 * 1024, undefined)
})
