import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  familiarReference,
  formatReference,
  hostAlone,
  isTag,
  parseReference,
  wholeReference,
} from './reference.ts'

const hex = 'a'.repeat(64)
const whole = (text: string): string => formatReference(parseReference(text))
const familiar = (text: string): string => familiarReference(parseReference(text))

describe('a reference', () => {
  // What distribution/reference v0.6.0 answers.
  it.each([
    ['redis', 'docker.io/library/redis', 'redis'],
    ['redis:7.2', 'docker.io/library/redis:7.2', 'redis:7.2'],
    ['team/api', 'docker.io/team/api', 'team/api'],
    ['docker.io/redis', 'docker.io/library/redis', 'redis'],
    ['index.docker.io/redis', 'docker.io/library/redis', 'redis'],
    ['index.docker.io/team/api:1', 'docker.io/team/api:1', 'team/api:1'],
    ['library/library/redis', 'docker.io/library/library/redis', 'library/library/redis'],
    ['localhost/api', 'localhost/api', 'localhost/api'],
    ['localhost:5000/api:dev', 'localhost:5000/api:dev', 'localhost:5000/api:dev'],
    ['localhost:5000', 'docker.io/library/localhost:5000', 'localhost:5000'],
    ['example.com/api', 'example.com/api', 'example.com/api'],
    ['Example.COM:443/a/b/c', 'Example.COM:443/a/b/c', 'Example.COM:443/a/b/c'],
    ['LOCALDOMAIN/api', 'LOCALDOMAIN/api', 'LOCALDOMAIN/api'],
    ['127.0.0.1:5000/api', '127.0.0.1:5000/api', '127.0.0.1:5000/api'],
    ['[fc00::1]:5000/api:x', '[fc00::1]:5000/api:x', '[fc00::1]:5000/api:x'],
    ['[::1]/api', '[::1]/api', '[::1]/api'],
    ['192.168.0.1', 'docker.io/library/192.168.0.1', '192.168.0.1'],
    ['xn--7o8h.com/api', 'xn--7o8h.com/api', 'xn--7o8h.com/api'],
    ['a__b/c--d/e.f', 'docker.io/a__b/c--d/e.f', 'a__b/c--d/e.f'],
    ['a:_tag', 'docker.io/library/a:_tag', 'a:_tag'],
    [`a@sha256:${hex}`, `docker.io/library/a@sha256:${hex}`, `a@sha256:${hex}`],
    [`a.io/b:1@sha256:${hex}`, `a.io/b:1@sha256:${hex}`, `a.io/b:1@sha256:${hex}`],
    [`${hex}/a`, `docker.io/${hex}/a`, `${hex}/a`],
    [`${hex.slice(1)}`, `docker.io/library/${hex.slice(1)}`, hex.slice(1)],
    ['a'.repeat(247), `docker.io/library/${'a'.repeat(247)}`, 'a'.repeat(247)],
    [`a:${'t'.repeat(128)}`, `docker.io/library/a:${'t'.repeat(128)}`, `a:${'t'.repeat(128)}`],
  ])('%s has a whole and a familiar name', (text, expected, short) => {
    expect(whole(text)).toBe(expected)
    expect(familiar(text)).toBe(short)
    expect(whole(expected)).toBe(expected)
  })

  it.each([
    ['is empty', ''],
    ['is an image ID', hex],
    ['has upper case in the repository', 'Redis'],
    ['has upper case below the host', 'example.com/Team/api'],
    ['has an empty tag', 'redis:'],
    ['has a tag that begins with a dash', 'redis:-x'],
    ['has a tag that is too long', `redis:${'t'.repeat(129)}`],
    ['has two tags', 'redis:a:b'],
    ['has an empty digest', 'redis@'],
    ['has a short digest', `redis@sha256:${hex.slice(1)}`],
    ['has an upper-case digest', `redis@sha256:${hex.toUpperCase()}`],
    ['has an unknown algorithm', 'redis@md5:00000000000000000000000000000000'],
    ['has two digests', `redis@sha256:${hex}@sha256:${hex}`],
    ['has a tag behind the digest', `redis@sha256:${hex}:x`],
    ['is a URL', 'https://example.com/api'],
    ['has a scheme of ours', 'docker://redis'],
    ['begins with a slash', '/redis'],
    ['ends with a slash', 'example.com/'],
    ['has an empty component', 'example.com/a//b'],
    ['climbs', 'example.com/../b'],
    ['has separators at an end', 'a-/b'],
    ['has three underscores', 'a___b'],
    ['has two dots', 'a..b'],
    ['has a host with a dash at an end', '-a.com/b'],
    ['has a port that is no number', 'a.com:port/b'],
    ['has an empty port', 'a.com:/b'],
    ['has an IPv6 host with other letters', '[zz::1]/b'],
    ['has a zone', '[fe80::1%eth0]/b'],
    ['has space', ' redis'],
    ['has a newline', 'redis\n'],
    ['has letters beyond ASCII', 'r\u00e9dis'],
    ['is too long', `a/${'b'.repeat(254)}`],
  ])('is refused when it %s', (_why, text) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: 'REFERENCE_INVALID', name: 'UsageError' }),
    )
  })

  it('is read back from its whole and from its familiar name', () => {
    const component = fc.stringMatching(/^[a-z0-9]{1,4}(?:(?:[._]|__|-{1,2})[a-z0-9]{1,3}){0,2}$/)
    const host = fc.constantFrom(
      '',
      'docker.io/',
      'localhost/',
      'a.io/',
      'a:1/',
      '[::1]:2/',
      'HOST/',
    )
    const path = fc.oneof(
      fc.array(component, { minLength: 1, maxLength: 3 }).map(parts => parts.join('/')),
      fc.constantFrom('localhost/x', 'library/x', 'library/localhost', `library/${hex}`),
    )
    const tail = fc.constantFrom('', ':1', ':v1.2_x-y', `@sha256:${hex}`, `:x@sha512:${hex}${hex}`)
    fc.assert(
      fc.property(host, path, tail, (before, name, after) => {
        fc.pre(before !== '' || !/^[^/]*\..*\//.test(name)) // it would be a host, and may be no good one
        const reference = parseReference(before + name + after)
        expect(parseReference(formatReference(reference))).toEqual(reference)
        expect(parseReference(familiarReference(reference))).toEqual(reference)
      }),
      { numRuns: 300 },
    )
  })

  it('keeps docker.io in its familiar name where a reader would take the namespace for a host', () => {
    expect(familiar('docker.io/foo.bar/x')).toBe('docker.io/foo.bar/x')
    expect(familiar(`docker.io/library/${hex}`)).toBe(`docker.io/library/${hex}`)
  })

  it.each([
    ['a', 1e6],
    ['a.', 5e5],
    ['a-', 5e5],
    ['a/', 5e5],
    ['A.a', 3e5],
    ['[:', 5e5],
    ['a@', 5e5],
    ['-', 1e6],
  ])('is refused in linear time for a million characters of %s', (unit, times) => {
    const start = performance.now()
    for (const end of ['!', '/!', ':!', '/a:!'])
      expect(() => parseReference(unit.repeat(times) + end)).toThrow(/^.{0,900}$/)
    expect(performance.now() - start).toBeLessThan(1500)
  })

  it('is not what names a host alone', () => {
    for (const text of ['localhost:5000', 'localhost', 'example.com', 'a.b:1', '[::1]:5000'])
      expect(hostAlone(text)).toBe(text)
    expect(hostAlone('a:5000/')).toBe('a:5000')
    expect(hostAlone('index.docker.io')).toBe('docker.io')
    for (const text of [
      'a',
      'a/',
      'a:5000',
      'debian:12.1',
      'example.com/a',
      `a.b@sha256:${hex}`,
      'a_b.c',
    ])
      expect(hostAlone(text)).toBeUndefined()
  })

  it('gets the tag latest only where it has neither tag nor digest', () => {
    expect(wholeReference('a')).toBe('docker.io/library/a:latest')
    expect(wholeReference('a:1')).toBe('docker.io/library/a:1')
    expect(wholeReference(`a@sha256:${hex}`)).toBe(`docker.io/library/a@sha256:${hex}`)
  })
})

it.each([
  ['1.2-rc_3', true],
  ['_x', true],
  ['a'.repeat(128), true],
  ['a'.repeat(129), false],
  ['', false],
  ['-x', false],
  ['.x', false],
  ['a b', false],
  ['a\n', false],
  ['team/x:1', false],
])('%j is a tag: %s', (text, expected) => expect(isTag(text)).toBe(expected))
