import { expect, it } from 'vitest'
import { createSecrets } from '../auth/secrets.ts'
import { RefusedAddress } from '../hosts/connector.ts'
import type { Host } from '../hosts/hosts.ts'
import { faultError } from './faults.ts'

const host: Host = {
  domain: 'docker.io',
  origin: new URL('https://registry-1.docker.io'),
  settings: {},
  slots: { take: () => Promise.reject(new Error('unused')) },
  reach: () => 'public',
}
const coded = (code: string): Error => Object.assign(new Error('failed'), { code })

it.each([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'https://registry-1.docker.io/v2/', 'certs.d/docker.io/ca.crt'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'https://registry-1.docker.io/v2/', 'registries.docker.io.ca'],
  ['CERT_HAS_EXPIRED', 'https://cdn.example:8443/b', 'registries.cdn.example:8443.ca'],
  [
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'https://registry-1.docker.io/',
    'registries.docker.io.plain-http',
  ],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'https://registry-1.docker.io/', '--insecure'],
])('%s at %s leads to %s', (code, address, key) => {
  const url = new URL(address)
  const error = faultError(coded(code), host, { url, path: url.pathname }, createSecrets())
  expect(error).toMatchObject({ code: 'REGISTRY_TLS', hint: expect.stringContaining(key) })
})

it('an address that is refused leads to the key that allows it', () => {
  const url = new URL('https://10.0.0.1/b')
  const refused = new RefusedAddress('10.0.0.1 is private')
  expect(faultError(refused, host, { url, path: '/b' }, createSecrets())).toMatchObject({
    code: 'REGISTRY_REDIRECT',
    hint: expect.stringContaining('name 10.0.0.1 under registries in the project file'),
  })
})
