import { describe, expect, it } from 'vitest'
import { targetsOf } from './targets.ts'

const plain = { naming: 'name', pushByDigest: false } as const
const team = { ...plain, repository: 'example.com/team' }

function names(
  references: readonly string[],
  options: Parameters<typeof targetsOf>[2] = plain,
): readonly string[] {
  return targetsOf('app', references, options).map(({ domain, path, tags }) =>
    `${domain}/${path} ${tags.join(' ')}`.trim(),
  )
}

describe('where an image goes', () => {
  it('is what its references say, each repository once', () => {
    expect(names(['example.com/a:1', 'example.com/a:2', 'x', 'localhost:5000/b:1'])).toEqual([
      'example.com/a 1 2',
      'docker.io/library/x latest',
      'localhost:5000/b 1',
    ])
  })

  it('is below repository=, by name, by path or bare, with the tags of its references', () => {
    const own = ['example.org/group/app:1', 'other:2']
    expect(names(own, team)).toEqual(['example.com/team/app 1 2'])
    expect(names(own, { ...team, naming: 'path' })).toEqual([
      'example.com/team/group/app 1',
      'example.com/team/other 2',
    ])
    expect(names(own, { ...team, naming: 'bare' })).toEqual(['example.com/team 1 2'])
    expect(names([], team)).toEqual(['example.com/team/app latest'])
  })

  it('has the tags of the option instead, or none', () => {
    expect(names(['example.com/a:1'], { ...plain, tags: ['7', '8'] })).toEqual([
      'example.com/a 7 8',
    ])
    expect(names(['example.com/a:1'], { ...plain, pushByDigest: true })).toEqual(['example.com/a'])
  })

  it('must be said, and must be a repository', () => {
    expect(() => names([])).toThrow('image app has no name')
    expect(() => names(['localhost:5771'])).toThrow('names no repository')
    expect(names(['localhost:5771'], team)).toEqual(['example.com/team/app 5771'])
  })
})
