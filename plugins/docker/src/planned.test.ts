import type { PlannedExport } from '@orch/core'
import { expect, it } from 'vitest'
import { checkLoads } from './planned.ts'

const load = (image: string, references: string[], options: object = {}): PlannedExport => ({
  image,
  references,
  plan: { exporter: 'docker', options },
})

it.each([
  ['one name', [load('a', ['x:1']), load('b', ['docker.io/library/x:1'])], 'NAME_TAKEN'],
  [
    'a platform of another',
    [load('a', ['x:1'], { platforms: 'all' }), load('b', ['x:1-linux-arm64'])],
    'NAME_TAKEN',
  ],
  ['no name', [load('a', [])], 'NAME_MISSING'],
])('refuses two images under %s', (_, exports, code) => {
  expect(() => checkLoads(exports)).toThrow(expect.objectContaining({ code, name: 'UsageError' }))
})

it('takes one name in two engines, and names that only look alike', () => {
  checkLoads([load('a', ['x:1'], { host: 'unix:///a' }), load('b', ['x:1'], { host: 'unix:///b' })])
  checkLoads([load('a', ['x:1'], { platforms: 'all' }), load('b', ['x:12', 'y:1-linux-arm64'])])
  checkLoads([load('a', ['x:1']), load('b', ['x:1-linux-arm64'])])
  checkLoads([load('a', ['x:1'], { platforms: 'all' }), load('b', ['x:1-alpine-slim'])])
  const far = { host: 'unix:///far' }
  checkLoads([load('a', ['x:1'], { platforms: 'all' }), load('b', ['x:1-linux-arm64'], far)])
})
