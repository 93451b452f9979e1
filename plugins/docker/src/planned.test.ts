import type { PlannedExport } from '@orch/core'
import { expect, it } from 'vitest'
import { checkLoads } from './planned.ts'

const none = { env: { HOME: '/nowhere' } }

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
  [
    'a platform of its own, by another destination',
    [load('a', ['x:1'], { platforms: 'all' }), load('a', ['x:1-linux-arm64'])],
    'NAME_TAKEN',
  ],
  [
    'one name, with different platforms',
    [load('a', ['x:1'], { platforms: 'all' }), load('a', ['x:1'], { platforms: 'native' })],
    'NAME_TAKEN',
  ],
  [
    'one name in one engine, said in two ways',
    [load('a', ['x:1']), load('b', ['x:1'], { host: 'unix:///var/run/docker.sock' })],
    'NAME_TAKEN',
  ],
  ['no name', [load('a', [])], 'NAME_MISSING'],
])('refuses loads under %s', (_, exports, code) => {
  expect(() => checkLoads(exports, none)).toThrow(
    expect.objectContaining({ code, name: 'UsageError' }),
  )
})

it('takes one name in two engines, and names that only look alike', () => {
  checkLoads(
    [load('a', ['x:1'], { host: 'unix:///a' }), load('b', ['x:1'], { host: 'unix:///b' })],
    none,
  )
  checkLoads(
    [load('a', ['x:1'], { platforms: 'all' }), load('b', ['x:12', 'y:1-linux-arm64'])],
    none,
  )
  checkLoads([load('a', ['x:1']), load('b', ['x:1-linux-arm64'])], none)
  checkLoads([load('a', ['x:1'], { platforms: 'all' }), load('b', ['x:1-alpine-slim'])], none)
  checkLoads([load('a', ['x:1']), load('a', ['x:1'])], none)
  const far = { host: 'unix:///far' }
  checkLoads([load('a', ['x:1'], { platforms: 'all' }), load('b', ['x:1-linux-arm64'], far)], none)
})
