import { expect, it } from 'vitest'
import { refuseTaken } from './taken-names.ts'

it('a name is of one image in one place', () => {
  const one = { image: 'one', name: 'x:1' }
  const here = { image: 'two', name: 'x:1', place: 'in a' }
  refuseTaken([one, one, { image: 'two', name: 'y:1' }, here, { ...here, place: 'in b' }], '')
  expect(() => refuseTaken([one, { image: 'two', name: 'x:1' }], 'Rename one.')).toThrow(
    expect.objectContaining({
      name: 'UsageError',
      code: 'NAME_TAKEN',
      message: 'images one and two would both be x:1',
      hint: 'Rename one.',
    }),
  )
  expect(() => refuseTaken([here, { ...here, image: 'three' }], '')).toThrow('both be x:1 in a')
})
