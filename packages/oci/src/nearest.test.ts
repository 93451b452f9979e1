import { describe, expect, it } from 'vitest'
import { didYouMean, nearestFirst } from './nearest.ts'

describe('didYouMean', () => {
  it.each([
    ['buidl', 'build'],
    ['Build', 'build'],
    ['gzpi', 'gzip'],
    ['exports', 'export'],
  ])('takes %s for %s', (word, meant) => {
    expect(didYouMean(word, ['base', 'build', 'gzip', 'export'])).toBe(`Did you mean "${meant}"?`)
  })

  it('can be asked for a better guess', () => {
    expect(didYouMean('version', ['section'])).toBe('Did you mean "section"?')
    expect(didYouMean('version', ['section'], 2)).toBeUndefined()
    expect(didYouMean('versoin', ['version'], 2)).toBe('Did you mean "version"?')
  })

  it('says nothing when nothing is near', () => {
    expect(didYouMean('x', ['go', 'bazel'])).toBeUndefined()
    expect(didYouMean('healthcheck', ['build', 'base'])).toBeUndefined()
    expect(didYouMean('go', [])).toBeUndefined()
  })
})

it('nearestFirst keeps every known word', () => {
  expect(nearestFirst('layuot', ['docker', 'layout', 'oci-archive'])).toEqual([
    'layout',
    'docker',
    'oci-archive',
  ])
})
