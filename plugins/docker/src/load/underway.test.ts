import { expect, it } from 'vitest'
import { type Shared, Underway } from './underway.ts'

/** A load that ends when it is told to. */
function begin(underway: Underway, layers: readonly string[], bytes = 0) {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const shared = Promise.withResolvers<Shared>()
  const done = underway.during({ layers, bytes }, async given => {
    shared.resolve(given)
    return promise
  })
  done.catch(() => {})
  return {
    shared: shared.promise,
    end: () => resolve('done'),
    fail: () => reject(new Error('no')),
    done,
  }
}

const namesOf = ({ theirs }: Shared): string[] => [...theirs.keys()]

it('gives each layer to the first load that wants it', async () => {
  const underway = new Underway()
  const first = begin(underway, ['a', 'b', 'a'])
  const second = begin(underway, ['b', 'c'])
  const third = begin(underway, ['c', 'a', 'd'])
  expect(namesOf(await first.shared)).toEqual([])
  expect(namesOf(await second.shared)).toEqual(['b'])
  expect(namesOf(await third.shared)).toEqual(['c', 'a'])
})

it('gives them to the smallest of those that begin together', async () => {
  const underway = new Underway()
  const large = begin(underway, ['a', 'b'], 2)
  const small = begin(underway, ['b', 'c'], 1)
  expect(namesOf(await small.shared)).toEqual([])
  expect(namesOf(await large.shared)).toEqual(['b'])
})

it('tells whether a layer came, at the end of its load or before', async () => {
  const underway = new Underway()
  const good = begin(underway, ['a', 'b'])
  const bad = begin(underway, ['c', 'd'])
  const { theirs } = await begin(underway, ['a', 'b', 'c', 'd']).shared
  const { arrived } = await bad.shared
  arrived('c')
  expect(await theirs.get('c')).toBe(true)
  good.end()
  bad.fail()
  expect(await theirs.get('a')).toBe(true)
  expect(await theirs.get('d')).toBe(false)
  expect(await good.done).toBe('done')
  await expect(bad.done).rejects.toThrow('no')
})

it('begins anew with what is there, or did not come', async () => {
  const underway = new Underway()
  const first = begin(underway, ['a', 'b'])
  const { arrived } = await first.shared
  arrived('a')
  expect(namesOf(await begin(underway, ['a']).shared)).toEqual([])
  first.fail()
  await expect(first.done).rejects.toThrow('no')
  expect(namesOf(await begin(underway, ['b']).shared)).toEqual([])
})

it.each(['sent', 'failed'])('lets others send when it has %s', async how => {
  const underway = new Underway()
  const first = begin(underway, ['a'])
  const { turn } = await begin(underway, ['a', 'b']).shared
  let isMyTurn = false
  void turn.then(() => {
    isMyTurn = true
  })
  await new Promise(setImmediate)
  expect(isMyTurn).toBe(false)
  if (how === 'sent') (await first.shared).sent()
  else first.fail()
  await turn
})

it('begins none of many when all is given up', async () => {
  const underway = new Underway()
  const giveUp = new AbortController()
  const begun: number[] = []
  const { promise, reject } = Promise.withResolvers<void>()
  const all = [1, 2, 3, 4, 5, 6].map(number =>
    underway.oneOfFew(() => {
      begun.push(number)
      return promise
    }, giveUp.signal),
  )
  await new Promise(setImmediate)
  giveUp.abort(new Error('enough'))
  reject(giveUp.signal.reason)
  const ends = await Promise.allSettled(all)
  expect(ends.map(({ status }) => status)).toEqual(Array(6).fill('rejected'))
  expect(begun).toEqual([1, 2, 3, 4])
})
