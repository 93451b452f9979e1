import { expect, it } from 'vitest'
import { get, serve, textOf, transport } from '../testing.ts'

it('a registry whose clock is slow is waited for as long as it means', async () => {
  let count = 0
  const registry = await serve((_request, response) => {
    if (++count > 1) return void response.end('content')
    const now = Date.now() - 3_600_000
    const [date, after] = [now, now + 1000].map(time => new Date(time).toUTCString())
    response.writeHead(429, { date, 'retry-after': after }).end()
  })
  const began = performance.now()
  await textOf(await transport().request(get(registry.host)))
  expect(performance.now() - began).toBeGreaterThan(900)
})
