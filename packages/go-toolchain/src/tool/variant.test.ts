import { parsePlatform } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { platformEnv } from './variant.ts'

describe('a platform', () => {
  it.each([
    ['linux/amd64', { GOOS: 'linux', GOARCH: 'amd64', GOAMD64: 'v1' }],
    ['linux/amd64/v3', { GOOS: 'linux', GOARCH: 'amd64', GOAMD64: 'v3' }],
    ['linux/arm', { GOOS: 'linux', GOARCH: 'arm', GOARM: '7' }],
    ['linux/arm/v6', { GOOS: 'linux', GOARCH: 'arm', GOARM: '6' }],
    ['linux/arm64/v8', { GOOS: 'linux', GOARCH: 'arm64', GOARM64: 'v8.0' }],
    ['linux/arm64/v9', { GOOS: 'linux', GOARCH: 'arm64', GOARM64: 'v9.0' }],
    ['linux/arm64/v8.2', { GOOS: 'linux', GOARCH: 'arm64', GOARM64: 'v8.2' }],
    ['linux/386', { GOOS: 'linux', GOARCH: '386', GO386: 'sse2' }],
    ['windows(10.0.20348)/amd64', { GOOS: 'windows', GOARCH: 'amd64', GOAMD64: 'v1' }],
    ['linux/s390x', { GOOS: 'linux', GOARCH: 's390x' }],
  ])('%s is asked for as %j', (text, env) => {
    expect(platformEnv(parsePlatform(text))).toEqual(env)
  })

  it.each(['linux/arm/v8', 'linux/amd64/v5', 'linux/arm64/v10', 'linux/386/v1', 'linux/s390x/z13'])(
    '%s is refused',
    text => {
      expect(() => platformEnv(parsePlatform(text))).toThrow(/does not know the variant/)
    },
  )
})
