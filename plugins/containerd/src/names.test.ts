import { expect, it } from 'vitest'
import { namesFor } from './names.ts'

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
