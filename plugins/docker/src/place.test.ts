import { expect, it } from 'vitest'
import { parsePlace } from './place.ts'

it('reads a name with options', () => {
  expect(parsePlace('x:1')).toEqual({ name: 'x:1' })
  expect(parsePlace('x:1,context=ci')).toEqual({ name: 'x:1', context: 'ci' })
  expect(parsePlace('x,host=tcp://h:2376')).toEqual({ name: 'x', host: 'tcp://h:2376' })
})

it('refuses what is neither a name nor an ID', () => {
  expect(() => parsePlace('HELLO:1')).toThrow(
    expect.objectContaining({ code: 'REFERENCE_INVALID' }),
  )
  expect(parsePlace('a'.repeat(64))).toEqual({ name: `sha256:${'a'.repeat(64)}` })
})

it('shows no password of a host', () => {
  for (const field of ['hots=tcp://me:SEC/RET@h', 'hots=me:SEC/RET@h'])
    expect(() => parsePlace(`x@sha256,${field}`)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('SEC') }),
    )
})

it.each(['', 'x,foo=1', 'x,host=', 'x,host', 'x,host=a,context=b'])('refuses %j', text => {
  expect(() => parsePlace(text)).toThrow(
    expect.objectContaining({ code: 'DOCKER_SOURCE_INVALID', name: 'UsageError' }),
  )
})
