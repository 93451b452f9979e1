import type { ExportContext } from '@orch/core'
import { expect, it } from 'vitest'
import { namesFor, TakenNames } from './names.ts'

it('are whole references, each once', () => {
  expect(namesFor('app', ['x:1', 'docker.io/library/x:1', 'example.com/team/x'])).toEqual([
    'docker.io/library/x:1',
    'example.com/team/x:latest',
  ])
})

it('are asked for when there are none', () => {
  expect(() => namesFor('app', [])).toThrow(
    expect.objectContaining({ code: 'NAME_MISSING', hint: expect.stringContaining('--name') }),
  )
})

it('are taken by one image of a run, in one place', () => {
  const taken = new TakenNames()
  const context = { plan: {} } as ExportContext
  const there = { address: '/a', namespace: 'default', tls: {} }
  taken.take('one', ['x:1', 'y:1'], there, context)
  taken.take('one', ['x:1'], there, context)
  taken.take('two', ['x:1'], { ...there, address: '/b' }, context)
  taken.take('two', ['x:1'], there, { plan: {} } as ExportContext)
  expect(() => taken.take('two', ['x:1'], there, context)).toThrow(
    expect.objectContaining({
      code: 'NAME_TAKEN',
      message: expect.stringContaining('one and two'),
    }),
  )
})
