import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatPlatform,
  localPlatform,
  matchesPlatform,
  normalizePlatform,
  type Platform,
  parsePlatform,
  platformFromJson,
  platformVector,
  selectPlatform,
} from './platform.ts'

const normal = (text: string): string => formatPlatform(parsePlatform(text))
const vector = (text: string): string =>
  platformVector(parsePlatform(text)).map(formatPlatform).join(' ').replaceAll('linux/', '')

describe('a platform', () => {
  // What containerd/platforms v1.0.0-rc.4 answers, in its normalised form.
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['Linux/AMD64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['linux/x86-64/v1', 'linux/amd64'],
    ['linux/amd64/V3', 'linux/amd64/v3'],
    ['linux/i386/x', 'linux/386'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/arm64/8', 'linux/arm64'],
    ['linux/arm64/v8.0', 'linux/arm64'],
    ['linux/arm64/v8.2', 'linux/arm64/v8.2'],
    ['linux/arm64/9.0', 'linux/arm64/v9'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/arm/7', 'linux/arm/v7'],
    ['linux/arm/6', 'linux/arm/v6'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/armel', 'linux/arm/v6'],
    ['macos/arm64', 'darwin/arm64'],
    ['windows(10.0.17763)/amd64', 'windows(10.0.17763)/amd64'],
    ['plan9/unheard-of', 'plan9/unheard-of'],
  ])('%s is %s', (text, expected) => {
    expect(normal(text)).toBe(expected)
    expect(normal(expected)).toBe(expected)
  })

  it.each([
    ['arm64', 'linux/arm64'],
    ['X86_64', 'linux/amd64'],
    ['armel', 'linux/arm/v6'],
    ['wasm', 'linux/wasm'],
  ])('%s alone is a linux of that architecture', (text, expected) => {
    expect(normal(text)).toBe(expected)
  })

  it.each([
    '',
    '/',
    'linux',
    'amd65',
    'linux/',
    '/amd64',
    'linux//v7',
    'linux/arm/v7/x',
    'linux/*',
    'li.nux/amd64',
    'linux/..',
    '../amd64',
    'linux/-x',
    '-linux/amd64',
    'linux/amd64 ',
    'linux/amd64\n',
    'linux /amd64',
    'linux(1/amd64',
    'amd64(1)',
    'linux/\u0430md64',
  ])('is not %j', text => {
    expect(() => parsePlatform(text)).toThrow(
      expect.objectContaining({ code: 'PLATFORM_INVALID', name: 'UsageError' }),
    )
  })

  it('keeps its meaning when it is written and read back', () => {
    const platform = fc.record({
      os: fc.constantFrom('linux', 'windows', 'macos', 'Plan9'),
      architecture: fc.constantFrom('amd64', 'arm', 'ARM64', 'armel', 'x86_64', 'riscv64', 'i386'),
      variant: fc.constantFrom('', 'v1', '7', 'v8', 'V8.1', '9', 'rva22'),
      'os.version': fc.constantFrom('', '10.0.20348.1'),
    })
    fc.assert(
      fc.property(platform, given => {
        const once = normalizePlatform(given)
        expect(normalizePlatform(once)).toEqual(once)
        expect(parsePlatform(formatPlatform(once))).toEqual(once)
        expect(matchesPlatform(given, once)).toBe(true)
        expect(matchesPlatform(once, given, 'loose')).toBe(true)
      }),
    )
  })

  it('sorts its features, and drops what is empty', () => {
    expect(
      normalizePlatform({
        os: 'linux',
        architecture: 'amd64',
        variant: '',
        'os.version': '',
        'os.features': ['b', 'a'],
      }),
    ).toEqual({ os: 'linux', architecture: 'amd64', 'os.features': ['a', 'b'] })
  })

  it('of this machine is one that images have', () => {
    expect(normal(formatPlatform(localPlatform()))).toMatch(/^(?:linux|windows)\/[a-z0-9]+/)
  })
})

describe('what a machine runs, best first', () => {
  // The vectors of containerd/platforms v1.0.0-rc.4 (compare.go), normalised.
  it.each([
    ['linux/amd64', 'amd64 386'],
    ['linux/amd64/v3', 'amd64/v3 amd64/v2 amd64 386'],
    ['linux/386', '386'],
    ['linux/arm/v5', 'arm/v5'],
    ['linux/arm', 'arm/v7 arm/v6 arm/v5'],
    ['linux/arm/v8', 'arm/v8 arm/v7 arm/v6 arm/v5'],
    ['linux/arm64', 'arm64 arm/v8 arm/v7 arm/v6 arm/v5'],
    ['linux/arm64/v8.2', 'arm64/v8.2 arm64/v8.1 arm64 arm/v8 arm/v7 arm/v6 arm/v5'],
    [
      'linux/arm64/v9',
      'arm64/v9 arm64/v8.5 arm64/v8.4 arm64/v8.3 arm64/v8.2 arm64/v8.1 arm64 arm/v8 arm/v7 arm/v6 arm/v5',
    ],
    ['linux/ppc64le/power9', 'ppc64le/power9'],
    ['linux/arm64/custom', 'arm64/custom'],
  ])('%s: %s', (wanted, expected) => {
    expect(vector(wanted)).toBe(expected)
  })

  it('never has more than v9.5 gets of v8: nine minor versions', () => {
    const all = vector('linux/arm64/v9.5').split(' ')
    expect(all.slice(0, 8)).toEqual([
      ...['v9.5', 'v9.4', 'v9.3', 'v9.2', 'v9.1', 'v9', 'v8.9', 'v8.8'].map(v => `arm64/${v}`),
    ])
  })

  it('stays short for a variant that is a large number', () => {
    expect(platformVector(parsePlatform('linux/amd64/v999999999')).length).toBeLessThan(5)
    expect(platformVector(parsePlatform('linux/arm/v999999999')).length).toBeLessThan(5)
  })
})

describe('matching', () => {
  it.each([
    ['linux/arm64', 'linux/arm64/v8', true, true],
    ['linux/arm/v7', 'linux/arm', true, true],
    ['linux/arm/v7', 'linux/arm/v6', false, true],
    ['linux/arm/v6', 'linux/arm/v7', false, false],
    ['linux/amd64', 'linux/386', false, true],
    ['linux/amd64/v3', 'linux/amd64', false, true],
    ['linux/amd64', 'linux/amd64/v3', false, false],
    ['linux/arm64', 'linux/arm/v7', false, true],
    ['linux/amd64', 'windows/amd64', false, false],
    ['linux/amd64', 'unknown/unknown', false, false],
    ['windows/amd64', 'windows(10.0.20348.169)/amd64', true, true],
    ['windows(10.0.20348)/amd64', 'windows(10.0.20348.169)/amd64', true, true],
    ['windows(10.0.20348.169)/amd64', 'windows(10.0.20348.169)/amd64', true, true],
    ['windows(10.0.2034)/amd64', 'windows(10.0.20348.169)/amd64', false, false],
    ['windows(10.0.17763)/amd64', 'windows(10.0.20348.169)/amd64', false, false],
    ['linux(5)/amd64', 'linux(5)/amd64', true, true],
    ['linux(5)/amd64', 'linux(5.1)/amd64', false, false],
  ])('%s wants, %s is there: strict %s, loose %s', (wanted, offered, strict, loose) => {
    const [a, b] = [parsePlatform(wanted), parsePlatform(offered)]
    expect(matchesPlatform(a, b)).toBe(strict)
    expect(matchesPlatform(a, b, 'loose')).toBe(loose)
  })

  it('refuses an image that needs a feature nobody asked for, except win32k', () => {
    const linux = parsePlatform('linux/amd64')
    const needing = (platform: typeof linux, ...features: string[]): typeof linux => ({
      ...platform,
      'os.features': features,
    })
    const windows = parsePlatform('windows/amd64')
    expect(matchesPlatform(linux, needing(linux, 'erofs'))).toBe(false)
    expect(matchesPlatform(needing(linux, 'erofs', 'x'), needing(linux, 'erofs'))).toBe(true)
    expect(matchesPlatform(windows, needing(windows, 'win32k'))).toBe(true)
  })

  it('selects the best, and the first of equals', () => {
    const offered: { text: string; platform?: Platform }[] = [
      'linux/386',
      'linux/arm/v6',
      'linux/arm/v5',
      'linux/amd64',
    ].map(text => ({
      text,
      platform: parsePlatform(text),
    }))
    const select = (text: string, matching?: 'loose'): string | undefined =>
      selectPlatform(parsePlatform(text), [{ text: 'none' }, ...offered], matching)?.text
    expect(select('linux/amd64', 'loose')).toBe('linux/amd64')
    expect(select('linux/arm/v7', 'loose')).toBe('linux/arm/v6')
    expect(select('linux/arm/v7')).toBeUndefined()
    const twins = [1, 2].map(id => ({ id, platform: parsePlatform('linux/amd64') }))
    expect(selectPlatform(parsePlatform('amd64'), twins)?.id).toBe(1)
  })
})

describe('a platform in a document', () => {
  it('is unknown where it says nothing, as attestations are', () => {
    expect(platformFromJson({}, 'x')).toEqual({ os: 'unknown', architecture: 'unknown' })
    expect(
      platformFromJson({ os: null, architecture: '', variant: null, 'os.features': null }, 'x'),
    ).toEqual({ os: 'unknown', architecture: 'unknown' })
  })

  it.each([
    [{ os: 1 }, 'PLATFORM_INVALID'],
    [{ os: 'linux', variant: ['v7'] }, 'PLATFORM_INVALID'],
    [{ 'os.features': 'win32k' }, 'PLATFORM_INVALID'],
    [{ 'os.features': [1] }, 'PLATFORM_INVALID'],
    [{ os: 'linux', OS: 'windows' }, 'DOCUMENT_AMBIGUOUS'],
    [{ Architecture: 'arm64' }, 'DOCUMENT_AMBIGUOUS'],
  ])('%j is refused with %s', (value, code) => {
    expect(() => platformFromJson(value, 'x')).toThrow(expect.objectContaining({ code }))
  })
})
