import { expect, it } from 'vitest'
import { programName } from './list.ts'

it.each([
  ['example.com/cmd/api', 'api'],
  ['example.com/api/v2', 'api'],
  ['example.com/api/v10', 'api'],
  ['example.com/api/v1', 'v1'],
  ['example.com/api/v0', 'v0'],
  ['v2', 'v2'],
])('go build names %s %s', (path, name) => {
  expect(programName(path)).toBe(name)
})
