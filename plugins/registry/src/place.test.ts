import { describe, expect, it } from 'vitest'
import { parsePlace } from './place.ts'

describe('a source in a registry', () => {
  it('is a reference, latest where it says neither tag nor digest', () => {
    expect(parsePlace('x').reference).toEqual({
      domain: 'docker.io',
      path: 'library/x',
      tag: 'latest',
    })
    const digest = `sha256:${'0'.repeat(64)}`
    expect(parsePlace(`localhost:5000/x@${digest}`).reference).toEqual({
      domain: 'localhost:5000',
      path: 'x',
      digest,
    })
  })

  it('may be insecure, and nothing else', () => {
    expect(parsePlace('example.com/x:1').insecure).toBe(false)
    expect(parsePlace('example.com/x:1,insecure').insecure).toBe(true)
    expect(parsePlace('example.com/x:1,insecure=true').insecure).toBe(true)
    expect(parsePlace('example.com/x:1,insecure=false').insecure).toBe(false)
    expect(() => parsePlace('example.com/x:1,insecure=1')).toThrow('no option of this source')
    expect(() => parsePlace('example.com/x:1,mirror=y')).toThrow('no option of this source')
  })
})
