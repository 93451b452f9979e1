import { request } from 'node:http'
import { expect, it } from 'vitest'
import { cutting } from './cutting.ts'
import { startScriptedRegistry } from './scripted-registry.ts'

const body = Buffer.alloc(1_000_000, 'x')

/** Sends a body on a connection of its own; the answer's status, or the code of the error. */
async function put(host: string, path: string): Promise<number | string> {
  return await new Promise(resolve => {
    const sent = request(`http://${host}${path}`, { method: 'PATCH', agent: false }, response => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    sent.on('error', error => resolve('code' in error ? String(error.code) : error.message))
    sent.end(body)
  })
}

async function begin(host: string): Promise<string> {
  const answer = await fetch(`http://${host}/v2/x/blobs/uploads/`, { method: 'POST' })
  return new URL(answer.headers.get('location') ?? '').pathname
}

it('passes everything on while no cut is due', async () => {
  const registry = await startScriptedRegistry()
  const proxy = await cutting(registry.host)
  expect(await put(proxy.host, await begin(proxy.host))).toBe(202)
  expect([...registry.uploads.values()].map(({ length }) => length)).toEqual([body.length])
  expect(proxy.bytes).toBeGreaterThan(body.length)
  expect(proxy.cuts).toBe(0)
})

it('cuts after the byte it was told, and lets the next connection through', async () => {
  const registry = await startScriptedRegistry()
  const proxy = await cutting(registry.host, { counts: 'up' })
  const path = await begin(registry.host)
  proxy.cutAfter(300_000)
  expect(await put(proxy.host, path)).toBe('ECONNRESET')
  expect(proxy).toMatchObject({ cuts: 1, bytes: 300_000 })
  const received = () => registry.requests.at(-1)?.received
  await expect.poll(received, { timeout: 10_000 }).toBeGreaterThan(299_000)
  expect(registry.requests.at(-1)?.received).toBeLessThan(300_000)
  expect(await put(proxy.host, await begin(proxy.host))).toBe(202)
})

it('cuts answers too, each at its point', async () => {
  const registry = await startScriptedRegistry()
  const digest = registry.addBlob('x', body)
  const proxy = await cutting(registry.host, { counts: 'down', after: [900_000, 500_000] })
  const get = async () => {
    const answer = await fetch(`http://${proxy.host}/v2/x/blobs/${digest}`)
    return (await answer.arrayBuffer()).byteLength
  }
  await expect(get()).rejects.toThrow()
  expect(proxy.bytes).toBe(500_000)
  await expect(get()).rejects.toThrow()
  expect(proxy).toMatchObject({ cuts: 2, bytes: 900_000 })
  expect(await get()).toBe(body.length)
})

it('refuses connections after the last cut when it is to end', async () => {
  const registry = await startScriptedRegistry()
  const proxy = await cutting(registry.host, { after: [300_000], counts: 'up', ends: true })
  const path = await begin(registry.host)
  expect(await put(proxy.host, path)).toBe('ECONNRESET')
  expect(await put(proxy.host, path)).toBe('ECONNREFUSED')
  await proxy.close()
})
