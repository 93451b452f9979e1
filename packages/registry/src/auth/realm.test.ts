import { describe, expect, it } from 'vitest'
import type { Host } from '../hosts/hosts.ts'
import type { HostSettings } from '../types.ts'
import { mayLearnCredentials, realmOf } from './realm.ts'
import { createSecrets } from './secrets.ts'

function host(address: string, settings: HostSettings = {}): Host {
  const origin = new URL(address.includes('://') ? address : `https://${address}`)
  const slots = { take: () => Promise.reject(new Error('unused')) }
  return { domain: origin.host, origin, settings, slots, reach: () => 'public' }
}

describe('the credentials of a registry go to the token server', () => {
  it.each([
    ['registry-1.docker.io', 'https://auth.docker.io/token'],
    ['index.docker.io', 'https://auth.docker.io/token'],
    ['registry.hub.docker.com', 'https://auth.docker.io/token'],
    ['icr.io', 'https://us.icr.io/token'],
    ['registry.team.github.io', 'https://auth.team.github.io/token'],
    ['ghcr.io', 'https://ghcr.io/token'],
    ['registry.gitlab.com', 'https://gitlab.com/jwt/auth'],
    ['registry.example.co.uk', 'https://gitlab.example.co.uk/jwt/auth'],
    ['gitlab.example.com:5050', 'https://gitlab.example.com/jwt/auth'],
    ['quay.io', 'https://quay.io/v2/auth'],
    ['public.ecr.aws', 'https://public.ecr.aws/token/'],
    ['us-docker.pkg.dev', 'https://us-docker.pkg.dev/v2/token'],
    ['gcr.io', 'https://gcr.io/v2/token'],
    ['mine.azurecr.io', 'https://mine.azurecr.io/oauth2/token'],
    ['harbor.example.com', 'https://harbor.example.com/service/token'],
    ['registry.digitalocean.com', 'https://api.digitalocean.com/v2/registry/auth'],
    ['registry.cn-hangzhou.aliyuncs.com', 'https://dockerauth.cn-hangzhou.aliyuncs.com/auth'],
    ['10.1.2.3:5000', 'https://10.1.2.3:5001/token'],
    ['http://127.0.0.1:5000', 'http://localhost:5001/token'],
  ])('of %s: %s', async (registry, realm) => {
    expect(await mayLearnCredentials(host(registry), new URL(realm))).toBe(true)
  })

  it.each([
    ['ghcr.io', 'https://evil.example/token'],
    ['ghcr.io', 'https://ghcr.io.evil.example/token'],
    ['ghcr.io', 'https://evil.io/token'],
    ['registry.example.com', 'https://notexample.com/token'],
    ['registry.example.com', 'https://com/token'],
    ['example.co.uk', 'https://evil.co.uk/token'],
    ['mine.azurecr.io', 'https://evil.azurecr.io/token'],
    ['1.dkr.ecr.us-east-1.amazonaws.com', 'https://evil.dkr.ecr.us-east-1.amazonaws.com/token'],
    ['us-docker.pkg.dev', 'https://evil.pkg.dev/token'],
    ['registry.example.com', 'https://auth.docker.io/token'],
    ['co.jfrog.io', 'https://evil.jfrog.io/token'],
    ['co.docker.jfrog.io', 'https://co.jfrog.io/token'],
    ['a.appspot.com', 'https://evil.appspot.com/token'],
    ['a.blogspot.com', 'https://evil.blogspot.com/token'],
    ['a.up.railway.app', 'https://evil.up.railway.app/token'],
    ['registry.railway.app', 'https://evil.up.railway.app/token'],
    ['a.azurefd.net', 'https://evil.azurefd.net/token'],
    ['a.ngrok.dev', 'https://evil.ngrok.dev/token'],
    ['a.hf.space', 'https://evil.hf.space/token'],
    ['registry.corp', 'https://evil.corp/token'],
    ['registry', 'https://auth/token'],
    ['registry', 'https://auth.registry/token'],
    ['10.1.2.3', 'https://10.1.2.4/token'],
    ['http://registry.example.com', 'http://auth.example.com/token'],
  ])('but not for %s to %s', async (registry, realm) => {
    expect(await mayLearnCredentials(host(registry), new URL(realm))).toBe(false)
  })

  it('when the settings name it', async () => {
    const registry = host('registry:5000', { tokenServers: ['auth:5001'] })
    expect(await mayLearnCredentials(registry, new URL('https://auth:5001/token'))).toBe(true)
    expect(await mayLearnCredentials(registry, new URL('https://auth:5002/token'))).toBe(false)
  })
})

describe('a realm', () => {
  const secrets = createSecrets()

  it('may be relative, and loses its user', () => {
    expect(realmOf('/token?a=b', host('ghcr.io'), secrets).href).toBe('https://ghcr.io/token?a=b')
    expect(realmOf('https://u:p@ghcr.io/t', host('ghcr.io'), secrets).href).toBe(
      'https://ghcr.io/t',
    )
  })

  it.each([
    ['ghcr.io', 'http://ghcr.io/token'],
    ['ghcr.io', 'http://127.0.0.1/token'],
    ['ghcr.io', 'file:///etc/passwd'],
    ['ghcr.io', 'https://'],
  ])('of %s is refused: %s', (registry, realm) => {
    expect(() => realmOf(realm, host(registry), secrets)).toThrow(
      expect.objectContaining({ code: 'REGISTRY_REALM' }),
    )
  })

  it('may lack TLS where the registry lacks it, or both are on this machine', () => {
    expect(realmOf('http://a.example/t', host('http://b.example'), secrets).host).toBe('a.example')
    expect(realmOf('http://localhost:1/t', host('https://127.0.0.1'), secrets).port).toBe('1')
  })
})
