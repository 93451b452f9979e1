import { messageOf, OrchError } from '@orch/oci'
import { Agent } from 'undici'
import { bodyForUndici } from '../transport/exchange.ts'
import type { RegistryRequest, RegistryResponse, Transport } from '../transport/types.ts'

/** Sends requests as they are, over plain HTTP, without credentials or retries: what the repository does itself is seen. */
export function testTransport(): Transport {
  const agent = new Agent({ keepAliveTimeout: 100 })
  const send = async (sent: RegistryRequest): Promise<RegistryResponse> => {
    const { domain, method, target, headers = {}, body, signal = null } = sent
    const url = target.startsWith('/') ? `http://${domain}${target}` : target
    const [, origin = '', path = ''] = /^(https?:\/\/[^/]+)(.*)$/.exec(url) ?? []
    const length = body === undefined ? {} : { 'content-length': String(body.length) }
    const opened = body?.open()
    const answer = await agent
      .request({
        origin,
        path,
        method,
        headers: { ...headers, ...length },
        body: bodyForUndici(opened),
        signal,
      })
      .finally(() => {
        if (opened !== undefined && 'destroy' in opened) opened.destroy()
      })
    const flat = Object.entries(answer.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    )
    return {
      status: answer.statusCode,
      headers: Object.fromEntries(flat),
      body: answer.body,
      url,
    }
  }
  return {
    async request(sent) {
      let response: RegistryResponse
      try {
        response = await send(sent)
      } catch (cause) {
        sent.signal?.throwIfAborted()
        throw new OrchError('REGISTRY_UNREACHABLE', messageOf(cause), { cause })
      }
      const code =
        codes[response.status] ?? (response.status >= 500 ? 'REGISTRY_BROKEN' : undefined)
      if (code === undefined) return response
      response.body.on('error', () => {}).destroy()
      throw new OrchError(code, `the registry answered ${response.status}`)
    },
    hide: text => text,
    close: () => agent.destroy(),
  }
}

const codes: Readonly<Record<number, string>> = {
  401: 'REGISTRY_DENIED',
  403: 'REGISTRY_DENIED',
  429: 'REGISTRY_BUSY',
}
