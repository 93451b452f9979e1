import { describe, expect, it } from 'vitest'
import { messageOf, OrchError, shown, UsageError } from './errors.ts'

describe('an error for a person', () => {
  it('carries code, message, hint and cause', () => {
    const cause = new Error('ENOSPC')
    const error = new OrchError('DISK_FULL', 'no room in /tmp', { hint: 'Make room.', cause })
    expect(error).toMatchObject({ code: 'DISK_FULL', hint: 'Make room.', cause, name: 'OrchError' })
  })

  it('has no cause property where there was none', () => {
    expect(Object.hasOwn(new OrchError('X', 'y'), 'cause')).toBe(false)
  })

  it('is told apart when the call was wrong', () => {
    const error = new UsageError('REFERENCE_INVALID', 'x')
    expect(error).toBeInstanceOf(OrchError)
    expect(error.name).toBe('UsageError')
    expect(new OrchError('X', 'y')).not.toBeInstanceOf(UsageError)
  })

  it('has a message whatever was thrown', () => {
    expect(messageOf(new Error('broken'))).toBe('broken')
    expect(messageOf('text')).toBe('text')
    expect(messageOf(undefined)).toBe('undefined')
  })
})

describe('a value from outside, in a message', () => {
  it('is shown as JSON, so that its type can be seen', () => {
    expect(shown('2')).toBe('"2"')
    expect(shown(2)).toBe('2')
    expect(shown({ a: [1] })).toBe('{"a":[1]}')
    expect(shown(undefined)).toBe('undefined')
  })

  it('cannot flood a terminal', () => {
    for (const value of ['x'.repeat(1e6), ['x'.repeat(1e6)], '\0'.repeat(1e6)])
      expect(shown(value).length).toBeLessThan(1000)
  })

  it('cannot steer a terminal', () => {
    expect(shown('\x1b[2J')).toBe('"\\u001b[2J"')
    expect(shown('a\x9b2J\u202eb\x7f')).toBe('"a\\u{9b}2J\\u{202e}b\\u{7f}"')
    expect(shown('gr\u00fc\u00dfe')).toBe('"gr\u00fc\u00dfe"')
  })
})
