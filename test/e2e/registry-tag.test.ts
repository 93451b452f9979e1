import { expect, it } from 'vitest'
import { startRegistry } from '../kit/registry.ts'
import { eachRegistry, needs } from '../kit/services.ts'
import { copied, refused, said } from './pushing.ts'

eachRegistry()('orch tag and orch ls', version => {
  it('tag what is there, and list it', async () => {
    const registry = await startRegistry({ version })
    const name = `${registry.host}/tagged`
    const { digest } = await copied('static', `docker://${name}:1`)
    expect(await said('tag', `${name}:1`, '2', `docker://${name}:three`)).toBe(
      [`${name}:2@${digest}`, `${name}:three@${digest}`].join('\n'),
    )
    expect(await said('digest', `${name}:three`)).toBe(digest)
    expect((await said('ls', name)).split('\n').sort()).toEqual(['1', '2', 'three'])
    expect((await said('ls', registry.host)).split('\n')).toContain('tagged')
    expect(await refused(2, 'tag', `${name}:1`, `${registry.host}/other:1`)).toContain(
      'TAG_ELSEWHERE',
    )
    expect(await refused(2, 'ls', `${name}:1`)).toContain('REPOSITORY_INVALID')
    expect(await refused(1, 'tag', `${name}:9`, '2')).toContain('REGISTRY_NOT_FOUND')
  })
})

needs('registry')('a registry with a certificate that nobody knows', () => {
  it('is spoken to when insecure says so, and only then', async () => {
    const registry = await startRegistry({ tls: true })
    const place = `docker://${registry.host}/x:1`
    expect(await refused(1, 'copy', '--platform', 'linux/amd64', 'static', place)).toContain(
      'REGISTRY_TLS',
    )
    const { digest } = await copied('--platform', 'linux/amd64', 'static', `${place},insecure=true`)
    expect(await said('digest', `${place},insecure=true`)).toBe(digest)
    expect(await said('ls', '--insecure', `${registry.host}/x`)).toBe('1')
    expect(await said('tag', '--insecure', `${registry.host}/x:1`, '2')).toContain(digest)
    expect(await refused(1, 'ls', `${registry.host}/x`)).toContain('REGISTRY_TLS')
  })
})
