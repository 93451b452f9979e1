import { type IncomingHttpHeaders, request } from 'node:http'

/** What a registry answered, or why it did not. */
interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The code of the connection's error, when it ended before the answer did. */
  readonly error?: string
}

/** Sends one request on a connection of its own, its target byte by byte as it is told. */
export async function ask(
  url: string,
  method = 'GET',
  headers: Readonly<Record<string, string>> = {},
  body: string | Uint8Array = '',
): Promise<Answered> {
  const [, host = '', port = '80', path = '/'] =
    /^http:\/\/([^/:]+)(?::(\d+))?(.*)$/.exec(url) ?? []
  const length = { 'content-length': String(Buffer.byteLength(body)) }
  return await new Promise(resolve => {
    const target = { host, port, path, method, agent: false, headers: { ...length, ...headers } }
    const sent = request(target, response => {
      let text = ''
      const told = { status: response.statusCode ?? 0, headers: response.headers }
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
      })
      response.on('end', () => resolve({ ...told, body: text }))
      response.on('error', error => resolve({ ...told, body: text, error: codeOf(error) }))
    })
    sent.on('error', error => resolve({ status: 0, headers: {}, body: '', error: codeOf(error) }))
    sent.end(body)
  })
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.message
}
