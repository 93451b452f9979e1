import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Slots } from './slots.ts'

/** Work that ends when it is told to, and tells when it has begun. */
function work(name: string, begun: string[]): { run: () => Promise<void>; end: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return {
    run: () => {
      begun.push(name)
      return promise
    },
    end: resolve,
  }
}

it('runs a few at a time, and none that needs what another has', async () => {
  const slots = new Slots(2)
  const begun: string[] = []
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(name => work(name, begun))
  const all = [
    slots.run(['x', 'y'], a?.run ?? fail),
    slots.run(['y', 'z'], b?.run ?? fail),
    slots.run(['w'], c?.run ?? fail),
    slots.run(['v'], d?.run ?? fail),
  ]
  await turn()
  expect(begun).toEqual(['a', 'c'])
  c?.end()
  await turn()
  expect(begun).toEqual(['a', 'c', 'd'])
  a?.end()
  await turn()
  expect(begun).toEqual(['a', 'c', 'd', 'b'])
  b?.end()
  d?.end()
  await Promise.all(all)
})

it('goes on after work that fails', async () => {
  const slots = new Slots(1)
  await expect(slots.run(['x'], fail)).rejects.toThrow('failed')
  expect(await slots.run(['x'], async () => 'done')).toBe('done')
})

async function fail(): Promise<never> {
  throw new Error('failed')
}
