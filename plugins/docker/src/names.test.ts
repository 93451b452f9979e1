import { parsePlatform } from '@orch/oci'
import { expect, it } from 'vitest'
import { nameForPlatform, namesFor } from './names.ts'

it('shows names as the docker command does, each once', () => {
  const names = ['docker.io/library/x', 'x:latest', 'ghcr.io/team/api:1', 'team/api']
  expect(namesFor('api', names)).toEqual(['x:latest', 'ghcr.io/team/api:1', 'team/api:latest'])
})

it.each([
  [[], 'NAME_MISSING'],
  [[`x@sha256:${'a'.repeat(64)}`], 'DOCKER_NAME'],
  [['X:1'], 'REFERENCE_INVALID'],
])('refuses the names %j: %s', (names, code) => {
  expect(() => namesFor('api', names)).toThrow(
    expect.objectContaining({ code, name: 'UsageError' }),
  )
})

it('refuses a name that becomes too long', () => {
  const name = `x:${'t'.repeat(120)}`
  expect(() => nameForPlatform(name, parsePlatform('linux/arm64'))).toThrow(
    expect.objectContaining({ code: 'DOCKER_NAME', name: 'UsageError' }),
  )
})

it.each([
  ['linux/arm64', 'x:1-linux-arm64'],
  ['linux/arm/v7', 'x:1-linux-arm-v7'],
  ['windows(10.0.17763.1)/amd64', 'x:1-windows-10.0.17763.1-amd64'],
])('names %s apart', (platform, name) => {
  expect(nameForPlatform('x:1', parsePlatform(platform))).toBe(name)
})
