import { expect, it } from 'vitest'
import { problemsOf, wordsOf } from './problems.ts'

const words = (body: string): string =>
  wordsOf(problemsOf(Buffer.from(body)), text => text.replaceAll('canary', '***'))

it.each([
  ['{"errors":[{"code":"DENIED","message":"not canary"},{"code":"X"}]}', ': "DENIED: not ***"'],
  ['{"errors":[{"code":"DENIED"}]}', ': "DENIED"'],
  ['{"errors":[{"message":"a\\u001b[2Jb"}]}', ': "a\\u001b[2Jb"'],
  ['{"errors":[{"code":7}]}', ''],
  ['{"errors":[null, {"code":"X"}]}', ': "X"'],
  ['{"errors":{}}', ''],
  ['[]', ''],
  ['<html>', ''],
  ['', ''],
])('the errors of %s say%s', (body, expected) => expect(words(body)).toBe(expected))

it('errors nested without an end are none: what repeats them would fail', () => {
  const detail = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  expect(problemsOf(Buffer.from(`{"errors":[{"code":"X","detail":${detail}}]}`))).toEqual([])
})
