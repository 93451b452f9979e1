import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText } from '../test-text.ts'
import { parseChallenges } from './challenge.ts'

const plain = (header: string): unknown =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])

describe('a WWW-Authenticate header', () => {
  it('of Docker Hub', () => {
    const header =
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/x:pull,push"'
    expect(plain(header)).toEqual([
      [
        'bearer',
        {
          realm: 'https://auth.docker.io/token',
          service: 'registry.docker.io',
          scope: 'repository:library/x:pull,push',
        },
      ],
    ])
  })

  it.each([
    [
      'several challenges',
      'Basic realm="a", Bearer realm="b",service=c',
      [
        ['basic', { realm: 'a' }],
        ['bearer', { realm: 'b', service: 'c' }],
      ],
    ],
    [
      'a scheme that nobody knows between',
      'Foo abc==, Negotiate, Basic realm="x"',
      [
        ['foo', {}],
        ['negotiate', {}],
        ['basic', { realm: 'x' }],
      ],
    ],
    [
      'quotes and commas in quotes',
      'Bearer realm="a\\"b, Basic realm=c"',
      [['bearer', { realm: 'a"b, Basic realm=c' }]],
    ],
    [
      'spaces around =',
      'Bearer realm = "a" , service= b',
      [['bearer', { realm: 'a', service: 'b' }]],
    ],
    ['a name twice', 'Bearer realm="a",realm="b"', [['bearer', { realm: 'a' }]]],
    ['a quote that never ends', 'Bearer service="b", realm="a', [['bearer', { service: 'b' }]]],
    ['nothing', '', []],
  ])('with %s', (_, header, expected) => expect(plain(header)).toEqual(expected))

  it('never throws and never takes long, whatever it says', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'Bearer',
        'Basic',
        'realm',
        '=',
        '"',
        '\\',
        ',',
        ' ',
        '\t',
        'https://a/b?c',
        '==',
      ),
      anyText,
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), pieces => {
        for (const { scheme, parameters } of parseChallenges(pieces.join(''))) {
          expect(scheme).toMatch(/^\S+$/)
          expect([...parameters.keys()].every(name => name !== '')).toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
    const began = performance.now()
    for (const part of ['a', 'a=', 'a ', '"', '\\', ',', 'a=",', 'Bearer a="b" '])
      parseChallenges(part.repeat(20_000))
    expect(performance.now() - began).toBeLessThan(2000)
  })
})
