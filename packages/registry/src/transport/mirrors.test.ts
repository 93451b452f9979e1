import { expect, it } from 'vitest'
import { dockerConfig, entry, get, serve, textOf, transport } from '../testing.ts'

it('a mirror is never told the registry’s credentials, though it asks for them', async () => {
  const challenge = { 'www-authenticate': 'Basic realm="r"' }
  const mirror = await serve((_, response) => response.writeHead(401, challenge).end())
  const registry = await serve(({ authorization }, response) => {
    if (authorization === undefined) response.writeHead(401, challenge).end()
    else response.end('content')
  })
  const auths = { [registry.host]: entry('alice', 'canary-pass-1') }
  const sender = transport({
    env: { DOCKER_CONFIG: dockerConfig({ auths }) },
    hosts: { [registry.host]: { mirrors: [mirror.host, `${mirror.host}/team`] } },
  })
  for (let count = 0; count < 2; count++) {
    const answer = await sender.request(get(registry.host, { mirrored: true }))
    expect(await textOf(answer)).toBe('content')
  }
  expect(mirror.seen).toHaveLength(4)
  expect(mirror.seen.map(({ authorization }) => authorization)).toEqual(Array(4).fill(undefined))
})
