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

  it('is no host alone, which Docker would look for at Docker Hub', () => {
    for (const text of ['localhost:5771', 'example.com', '127.0.0.1:5000,insecure=true'])
      expect(() => parsePlace(text)).toThrow('names no repository')
    expect(parsePlace('docker.io/library/a.b:1').reference).toMatchObject({ path: 'library/a.b' })
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
