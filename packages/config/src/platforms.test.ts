import { describe, expect, it } from 'vitest'
import { parsePlatforms } from './platforms.ts'

describe('parsePlatforms', () => {
  it('takes comma lists and repeats, normalised, each once', () => {
    expect(
      parsePlatforms(['linux/amd64, linux/aarch64', 'arm64', 'linux/arm', 'linux/arm/v7']),
    ).toEqual(['linux/amd64', 'linux/arm64', 'linux/arm/v7'])
  })

  it('keeps all, local and a version of the system', () => {
    expect(parsePlatforms(['all', 'local,windows(10.0.20348)/amd64'])).toEqual([
      'all',
      'local',
      'windows(10.0.20348)/amd64',
    ])
  })

  it.each([
    ['linux/', '"linux/" is not a platform'],
    ['linux/amd64,', '"linux/amd64," holds an empty platform'],
    ['', '"" holds an empty platform'],
    ['ALL', '"ALL" is not a platform'],
  ])('refuses %j', (value, message) => {
    expect(() => parsePlatforms([value])).toThrow(
      expect.objectContaining({ code: 'PLATFORM_INVALID', message }),
    )
  })
})
