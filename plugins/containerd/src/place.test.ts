import { describe, expect, it } from 'vitest'
import { parsePlace, splitSource } from './place.ts'

describe('[namespace/]name', () => {
  it.each([
    ['', {}],
    ['x:1', { name: 'x:1' }],
    ['team/x:1', { name: 'team/x:1' }],
    ['example.com/team/x:1', { name: 'example.com/team/x:1' }],
    ['localhost:5000/x', { name: 'localhost:5000/x' }],
    // Only a component of a path, though it has a dot.
    ['example.com/team.a/x:1', { name: 'example.com/team.a/x:1' }],
    ['k8s.io/', { namespace: 'k8s.io' }],
    ['my-space/', { namespace: 'my-space' }],
    ['k8s.io/x:1', { namespace: 'k8s.io', name: 'x:1' }],
    ['default/team/x:1', { namespace: 'default', name: 'team/x:1' }],
    ['moby/docker.io/library/x:1', { namespace: 'moby', name: 'docker.io/library/x:1' }],
    ['ci/example.com/x:1', { namespace: 'ci', name: 'example.com/x:1' }],
    ['ci/localhost:5000/x:1', { namespace: 'ci', name: 'localhost:5000/x:1' }],
    ['moby/buildkit:v1', { name: 'moby/buildkit:v1' }],
    // A tag is no host: this is docker.io/ci/x:1.
    ['ci/x:1', { name: 'ci/x:1' }],
  ])('%j is %j', (text, place) => {
    expect(parsePlace(text)).toEqual(place)
  })
})

describe('a source', () => {
  it('may say where its daemon is', () => {
    expect(splitSource('k8s.io/x:1,address=/run/a=b.sock')).toEqual({
      name: 'x:1',
      options: { address: '/run/a=b.sock', namespace: 'k8s.io' },
    })
    expect(splitSource('team/x:1,namespace=n')).toEqual({
      name: 'team/x:1',
      options: { namespace: 'n' },
    })
  })

  it.each(['x:1,unpack=none', 'x:1,address', 'x:1,', 'x:1,toString=1'])(
    'is refused with an option that it does not have: %s',
    text => {
      expect(() => splitSource(text)).toThrow(
        expect.objectContaining({
          code: 'CONTAINERD_SOURCE_INVALID',
          hint: expect.stringContaining('address, namespace'),
        }),
      )
    },
  )

  it.each([
    ['x:1,address=a,address=b', 'says the address twice'],
    ['k8s.io/x:1,namespace=n', 'says the namespace twice'],
    ['x:1,namespace=a b', 'is no namespace'],
    ['k8s.io', 'could be a namespace or an image'],
  ])('is refused when it contradicts itself or means two things: %s', (text, why) => {
    expect(() => splitSource(text)).toThrow(why)
  })
})
