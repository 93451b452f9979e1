import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Turns } from './turns.ts'

it('runs work with one key in order, and work with another key at once', async () => {
  const turns = new Turns<string>()
  const said: string[] = []
  const work = (name: string, ms: number) => async () => {
    said.push(`${name} begins`)
    await sleep(ms)
    said.push(`${name} ends`)
  }
  await Promise.all([
    turns.take('a', work('first', 30)),
    turns.take('a', work('second', 1)),
    turns.take('b', work('other', 1)),
  ])
  expect(said).toEqual([
    'first begins',
    'other begins',
    'other ends',
    'first ends',
    'second begins',
    'second ends',
  ])
})

it('goes on after work that failed', async () => {
  const turns = new Turns<string>()
  const failing = turns.take('a', () => Promise.reject(new Error('no')))
  const next = turns.take('a', async () => 'yes')
  await expect(failing).rejects.toThrow('no')
  expect(await next).toBe('yes')
})

it('lets one give up waiting, and nobody after it jump ahead', async () => {
  const turns = new Turns<string>()
  let ended = false
  const first = turns.take('a', async () => {
    await sleep(30)
    ended = true
  })
  const impatient = turns.take('a', async () => {}, AbortSignal.abort(new Error('enough')))
  const third = turns.take('a', async () => ended)
  await expect(impatient).rejects.toThrow('enough')
  expect(await third).toBe(true)
  await first
})
