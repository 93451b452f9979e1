import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText } from '../test-text.ts'
import { readHead, requestHead } from './head.ts'

const head = (...lines: string[]) => readHead(lines.join('\r\n'))

describe('the head of an answer', () => {
  it('says status, headers and length', () => {
    const lines = ['Content-Length: 12', 'Warning:  199 - "a" ', 'warning: 199 - "b"', 'X:']
    expect(head('HTTP/1.1 206 Partial Content', ...lines)).toEqual({
      status: 206,
      headers: { 'content-length': '12', warning: '199 - "a", 199 - "b"', x: '' },
      length: 12,
    })
    expect(head('HTTP/1.0 404', 'content-length:0')?.status).toBe(404)
    expect(head('HTTP/1.1 204 No Content')?.length).toBe(0)
  })

  it.each([
    ['no length', 'HTTP/1.1 200 OK', 'a: b'],
    ['chunks', 'HTTP/1.1 200 OK', 'transfer-encoding: chunked', 'content-length: 1'],
    ['two lengths', 'HTTP/1.1 200 OK', 'content-length: 1', 'content-length: 2'],
    ['the same length twice', 'HTTP/1.1 200 OK', 'content-length: 1', 'content-length: 1'],
    ['a length that is none', 'HTTP/1.1 200 OK', 'content-length: +1'],
    ['a length beyond reason', 'HTTP/1.1 200 OK', 'content-length: 1000000000000000000'],
    ['a folded line', 'HTTP/1.1 200 OK', 'content-length: 1', ' 2'],
    ['a space before the colon', 'HTTP/1.1 200 OK', 'content-length : 1'],
    ['a bare line feed', 'HTTP/1.1 200 OK', 'content-length: 1\nx: y'],
    ['a passing answer', 'HTTP/1.1 100 Continue', 'content-length: 1'],
    ['another protocol', 'HTTP/2 200', 'content-length: 1'],
    ['nothing', ''],
  ])('with %s is left to others', (_, ...lines) => {
    expect(head(...lines)).toBeUndefined()
  })

  it('is read in a moment, however many spaces it has', () => {
    const began = performance.now()
    const line = `x: a${' '.repeat(1_000_000)}b${'\t'.repeat(1000)}`
    expect(head('HTTP/1.1 200 OK', 'content-length: 1', line)?.headers['x']).toHaveLength(1_000_002)
    expect(performance.now() - began).toBeLessThan(500)
  })

  it('never throws, whatever it says', () => {
    const line = fc.oneof(anyText, fc.constant('content-length: 3'))
    fc.assert(
      fc.property(fc.array(line), lines => {
        const { length = 0 } = head('HTTP/1.1 200 OK', ...lines) ?? {}
        expect(Number.isSafeInteger(length) && length >= 0).toBe(true)
      }),
    )
  })
})

describe('the head of a request', () => {
  const address = { url: new URL('http://[::1]:5000/v2/'), path: '/v2/a/blobs/x?y=z' }

  it('asks for one answer', () => {
    expect(requestHead(address, { range: 'bytes=1-' })).toBe(
      'GET /v2/a/blobs/x?y=z HTTP/1.1\r\nhost: [::1]:5000\r\nrange: bytes=1-\r\nconnection: close\r\n\r\n',
    )
  })

  it.each([
    ['a value with a line', { a: 'b\r\nc: d' }],
    ['a name with a space', { 'a b': 'c' }],
    ['characters that are no bytes', { a: '€' }],
  ])('is not made of %s', (_, headers) => {
    expect(() => requestHead(address, headers)).toThrow(TypeError)
  })

  it('is not made of a path with a space', () => {
    expect(() => requestHead({ ...address, path: '/a b' }, {})).toThrow(TypeError)
  })
})
