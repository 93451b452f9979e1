import { digestOf, mediaTypes, type PlatformManifest, parsePlatform } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import type { Wanted } from '../options.ts'
import { chosenPlatforms } from './platforms.ts'

const manifestsOf = (platforms: readonly string[]): PlatformManifest[] =>
  platforms.map((text, at) => {
    const digest = digestOf(`${at}`)
    const descriptor = { mediaType: mediaTypes.manifest, digest, size: 1 }
    return { descriptor, platform: parsePlatform(text) }
  })

function namesOf(
  platforms: readonly string[],
  wanted?: 'native' | 'all' | readonly string[],
): string[][] {
  const list: Wanted | undefined =
    typeof wanted === 'object' ? wanted.map(text => parsePlatform(text)) : wanted
  const native = parsePlatform('linux/amd64')
  const options = { wanted: list, native, what: 'image x' }
  return chosenPlatforms(manifestsOf(platforms), ['x:1', 'y:1'], options).map(({ names }) => [
    ...names,
  ])
}

const all = ['linux/amd64', 'linux/arm64', 'linux/arm/v7']
const own = ['x:1', 'y:1']
const arm64 = ['x:1-linux-arm64', 'y:1-linux-arm64']

describe('an engine that keeps one platform a name', () => {
  it('takes its own unless told otherwise', () => {
    expect(namesOf(all)).toEqual([own])
    expect(namesOf(all, 'native')).toEqual([own])
  })

  it('takes others under names of their own', () => {
    const arm = ['x:1-linux-arm-v7', 'y:1-linux-arm-v7']
    expect(namesOf(all, 'all')).toEqual([own, arm64, arm])
    expect(namesOf(all, ['linux/arm64'])).toEqual([arm64])
    expect(namesOf(all, ['linux/arm64', 'linux/amd64', 'linux/arm64'])).toEqual([own, arm64])
  })

  it('takes the only platform of an image under the names themselves', () => {
    expect(namesOf(['linux/arm64'])).toEqual([own])
    expect(namesOf(['linux/arm64'], ['linux/arm64'])).toEqual([arm64])
  })

  it('leaves out what runs on another system, and refuses it when it is asked for', () => {
    const some = ['linux/amd64', 'windows/amd64']
    expect(namesOf(some, 'all')).toEqual([own])
    const refused = expect.objectContaining({
      code: 'PLATFORM_MISSING',
      message: 'the engine runs linux alone: it cannot keep windows/amd64 of image x',
    })
    expect(() => namesOf(some, ['linux/amd64', 'windows/amd64'])).toThrow(refused)
    for (const wanted of [undefined, 'native', 'all'] as const)
      expect(() => namesOf(['windows/amd64'], wanted)).toThrow(refused)
  })

  it('refuses two platforms under one name', () => {
    const names = ['x:1', 'x:1-linux-arm64']
    const options = { wanted: 'all', native: parsePlatform('linux/amd64'), what: 'x' } as const
    expect(() => chosenPlatforms(manifestsOf(all), names, options)).toThrow(
      expect.objectContaining({ code: 'NAME_TAKEN', name: 'UsageError' }),
    )
  })

  it('says what there is when it is not, and how to load that', () => {
    for (const wanted of [undefined, 'native'] as const) {
      expect(() => namesOf(['linux/arm64', 'linux/s390x', 'windows/amd64'], wanted)).toThrow(
        expect.objectContaining({
          code: 'PLATFORM_MISSING',
          message:
            'image x has no linux/amd64, which is the engine’s own; it has linux/arm64, linux/s390x',
          hint: expect.stringContaining('platforms=all'),
        }),
      )
    }
    expect(() => namesOf(['linux/arm64'], ['linux/s390x'])).toThrow(
      'image x has no linux/s390x; it has linux/arm64',
    )
  })
})
