import { blobFromBytes } from '@orch/oci'
import fc from 'fast-check'
import { beforeEach, expect, it, vi } from 'vitest'
import { hostileText } from '../test-hostile.ts'
import { dockerConfig, entry, type Seen, serve, transport } from '../testing.ts'
import { registriesOver } from './repository.ts'

vi.mock('node:dns', () => import('../test-dns.ts'))

beforeEach(() => {
  const random = vi.spyOn(Math, 'random').mockReturnValue(0)
  return () => random.mockRestore()
})

const password = 'canary-pass-1'
const basic = `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`

/** What a hostile registry says to an upload, or of the next page of its tags. */
interface Says {
  readonly status: number
  readonly text: string
}

it('wherever an upload or a list of a registry leads, no other host hears the password', async () => {
  let says: Says = { status: 202, text: '' }
  const isTold = ({ authorization }: Seen): boolean => authorization === basic
  const elsewhere = await serve((request, response) => {
    const realm = `http://tokens.example:${elsewhere.port}/token`
    const headers = { 'www-authenticate': `Bearer realm="${realm}", Basic realm="r"` }
    if (request.url.startsWith('/token')) response.end('{"token":"anonymous"}')
    else response.writeHead(request.authorization === undefined ? 401 : says.status, headers).end()
  })
  const other = `http://evil.example:${elsewhere.port}/`
  const registry = await serve((request, response) => {
    const { method, url } = request
    if (!isTold(request))
      return void response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end()
    if (method === 'HEAD') return void response.writeHead(404).end()
    if (url.includes('/tags/')) {
      const link = `<${says.text}>; rel="next"`
      return void response.writeHead(200, { link }).end('{"tags":["a"]}')
    }
    const status = method === 'POST' ? 202 : says.status
    response.writeHead(status, { location: says.text, range: '0-3' }).end()
  })
  const auths = { [registry.host]: entry('alice', password) }
  const sender = transport({ env: { DOCKER_CONFIG: dockerConfig({ auths }) } })
  const hosts = { [registry.host]: { chunkBytes: 4 } }
  const blob = blobFromBytes(Buffer.from('content'), 'application/octet-stream')

  const outcomeOf = (doing: Promise<unknown>): Promise<string> =>
    doing.then(
      () => '',
      error => {
        expect(error).toMatchObject({ code: expect.stringMatching(/^(REGISTRY_|JSON_INVALID)/) })
        return `${error.stack} ${error.hint} ${error.cause}`
      },
    )
  const examples: [Says][] = [
    [{ status: 202, text: other }],
    [{ status: 307, text: other }],
    [{ status: 416, text: `${other}?a=${password}` }],
    [{ status: 202, text: `//evil.example:${elsewhere.port}/x?_state=a` }],
    [{ status: 202, text: `http://alice:${password}@evil.example:${elsewhere.port}/` }],
  ]
  // Most texts are no addresses; these are, here and elsewhere.
  const lead = fc.constantFrom(other, other.slice('http:'.length), `${registry.url}/`, '/', '')
  const rest = fc.constantFrom('', 'x', 'v2/team/x/tags/list', '../..', `x/${password}`)
  const address = fc
    .tuple(lead, rest, fc.webQueryParameters())
    .map(([first, path, query]) => `${first}${path}?${query}`)
  const anything = fc.record({
    status: fc.constantFrom(200, 201, 202, 204, 307, 400, 401, 404, 413, 416),
    text: fc.oneof(hostileText({ other, password, basic }), address),
  })
  await fc.assert(
    fc.asyncProperty(anything, async next => {
      says = next
      // A new one each time: it remembers what it has pushed.
      const repository = registriesOver(sender, { hosts }).repository(registry.host, 'team/x')
      const tags = repository.tags()[Symbol.asyncIterator]()
      const page = async (): Promise<void> => {
        for (let count = 0; count < 4; count++) if ((await tags.next()).done === true) return
      }
      const outcome = `${await outcomeOf(repository.push(blob))} ${await outcomeOf(page())}`
      expect(outcome).not.toContain(password)
      expect(outcome).not.toContain(basic.slice(6))
    }),
    { numRuns: 150, examples },
  )
  expect(registry.seen.filter(isTold).length).toBeGreaterThan(100)
  expect(elsewhere.seen.filter(({ method }) => method === 'PATCH').length).toBeGreaterThan(20)
  for (const { headers, url, body } of elsewhere.seen) {
    // The path of an upload is the registry's own invention; the query of a token's address is ours.
    const heard = JSON.stringify([headers, body, url.startsWith('/token') ? url : ''])
    expect(heard).not.toContain(password)
    expect(heard).not.toContain(basic.slice(6))
  }
})
