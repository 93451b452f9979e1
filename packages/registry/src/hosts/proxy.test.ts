import { describe, expect, it } from 'vitest'
import { proxyFor } from './proxy.ts'

const through = (url: string, env: Record<string, string>): string | undefined =>
  proxyFor(new URL(url), env)?.host

describe('a proxy', () => {
  it('is that of the scheme, upper case first, http:// left out or not', () => {
    const env = { HTTPS_PROXY: 'secure:1', https_proxy: 'lower:1', http_proxy: 'http://plain:2' }
    expect(through('https://a.example', env)).toBe('secure:1')
    expect(through('http://a.example', env)).toBe('plain:2')
    expect(through('https://a.example', {})).toBeUndefined()
  })

  it.each(['https://localhost:5000', 'https://127.0.0.1', 'http://[::1]:5000'])(
    'is never asked for %s',
    url => {
      expect(through(url, { HTTPS_PROXY: 'p:1', HTTP_PROXY: 'p:1' })).toBeUndefined()
    },
  )

  it.each([
    ['*', 'https://a.example'],
    ['example', 'https://a.example'],
    ['.example', 'https://a.example'],
    ['*.example', 'https://a.example'],
    ['b, a.example', 'https://a.example'],
    ['a.example:443', 'https://a.example'],
    ['10.0.0.0/8', 'https://10.1.2.3'],
    ['10.1.2.3', 'https://10.1.2.3:5000'],
    ['[fd00::1]:5000', 'https://[fd00::1]:5000'],
    ['fd00::/8', 'https://[fd00::1]'],
  ])('is left out by NO_PROXY=%s for %s', (rule, url) => {
    expect(through(url, { HTTPS_PROXY: 'p:1', NO_PROXY: rule })).toBeUndefined()
  })

  it.each([
    ['.a.example', 'https://a.example'],
    ['ample', 'https://a.example'],
    ['a.example:5000', 'https://a.example'],
    ['10.0.0.0/8', 'https://11.1.2.3'],
    ['10.0.0.0/99', 'https://10.1.2.3'],
  ])('is kept by NO_PROXY=%s for %s', (rule, url) => {
    expect(through(url, { HTTPS_PROXY: 'p:1', NO_PROXY: rule })).toBe('p:1')
  })

  it('of another kind is refused, its password unseen', () => {
    const env = { HTTPS_PROXY: 'socks5://u:canary@p:1' }
    expect(() => through('https://a.example', env)).toThrow(
      expect.objectContaining({ code: 'REGISTRY_PROXY' }),
    )
    expect(() => through('https://a.example', env)).not.toThrow(/canary/)
  })

  it.each(['http://u:canary%@p:1', 'http://canary%zz:b@p:1', 'http://canary%ff@p:1'])(
    'whose account cannot be read is refused, unseen: %s',
    HTTPS_PROXY => {
      const refused = { code: 'REGISTRY_PROXY', message: expect.not.stringContaining('canary') }
      expect(() => through('https://a.example', { HTTPS_PROXY })).toThrow(
        expect.objectContaining(refused),
      )
    },
  )
})
