import { describe, expect, it } from 'vitest'
import { registryOptions } from './options.ts'

async function checked(given: object): Promise<object> {
  const result = await registryOptions['~standard'].validate(given)
  return result.issues === undefined ? (result.value as object) : { issues: result.issues }
}

/** The paths and messages of what is wrong. */
async function wrong(given: object): Promise<readonly string[]> {
  const { issues = [] } = await registryOptions['~standard'].validate(given)
  return issues.map(({ path = [], message }) => `${path.join('.')}: ${message}`)
}

describe('the options of registry', () => {
  it('are read from the project file and from the command line alike', async () => {
    const file = {
      platforms: ['linux/amd64', 'linux/arm/v7'],
      tags: ['1', '2'],
      insecure: true,
      compression: 'zstd',
      'compression-level': 7,
      'oci-mediatypes': false,
    }
    const text = {
      platforms: 'linux/amd64 linux/arm/v7',
      tags: '1,2',
      insecure: 'true',
      compression: 'zstd',
      'compression-level': '7',
      'oci-mediatypes': 'false',
    }
    expect(await checked(file)).toEqual(await checked(text))
    expect(await checked(file)).toMatchObject({
      tags: ['1', '2'],
      compression: { type: 'zstd', level: 7 },
      ociMediaTypes: false,
      forceCompression: false,
      pushByDigest: false,
    })
  })

  it("hold annotations as buildx has them, and buildx's word for no compression", async () => {
    const given = { 'annotation-index.org.example.a': 'b', compression: 'uncompressed' }
    expect(await checked(given)).toMatchObject({
      annotations: [{ level: 'index', key: 'org.example.a', value: 'b' }],
      compression: { type: 'none' },
    })
  })

  it('are refused with the place and the reason', async () => {
    expect(await wrong({ tag: '1' })).toEqual([': Unrecognized keys: tag'])
    expect(await wrong({ 'annotation-indx.a': 'b' })).toEqual([
      expect.stringMatching(/^annotation-indx\.a: expected .*annotation-index\.KEY/),
    ])
    expect(await wrong({ 'annotation-index-descriptor.a': 'b' })).toEqual([
      expect.stringContaining('a registry keeps no descriptor of an index'),
    ])
    expect(await wrong({ 'annotation[x].a': 'b' })).toEqual([
      'annotation[x].a: "x" is not a platform',
    ])
    expect(await wrong({ 'annotation.a': 1 })).toEqual(['annotation.a: expected text'])
    expect(await wrong({ tags: 'a:b' })).toEqual(['tags: "a:b" is no tag'])
    expect(await wrong({ 'compression-level': 3 })).toEqual([
      'compression-level: it needs `compression` beside it',
    ])
    expect(await wrong({ compression: 'gzip', 'compression-level': 12 })).toEqual([
      'compression-level: expected 1 to 9 for gzip',
    ])
    expect(await wrong({ compression: 'none', 'compression-level': 1 })).toEqual([
      'compression-level: none has no level',
    ])
    expect(await wrong({ platforms: 'linux/amd64 nowhere' })).toEqual([
      'platforms: "nowhere" is not a platform',
    ])
  })
  it('say where images go, or are refused before anything is built', async () => {
    expect(await checked({ repository: 'localhost:5771/x/' })).toMatchObject({
      repository: 'localhost:5771/x',
      naming: 'name',
    })
    const of = async (repository: string): Promise<string> =>
      (await wrong({ repository })).join(' ')
    expect(await of('h.example/Team')).toContain('must be lower-case')
    expect(await of('h.example/team:1')).toContain('has a tag or a digest')
    expect(await of('localhost:5771')).toContain('names no repository')
    expect(await wrong({ naming: 'path' })).toEqual(['naming: it needs `repository` beside it'])
    expect(await wrong({ 'push-by-digest': 'true', tags: 'x' })).toEqual([
      'tags: there are none with `push-by-digest`',
    ])
  })
})
