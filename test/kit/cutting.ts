import { connect, createServer, type Socket } from 'node:net'
import { listen } from './listen.ts'

/** A proxy of TCP that cuts connections at chosen points. */
export interface Cutting {
  /** `127.0.0.1:23456`: what clients are given instead of the address behind it. */
  readonly host: string
  /** Cuts that were made. */
  readonly cuts: number
  /** Bytes that went through so far, both ways and over all connections. */
  readonly bytes: number
  /** Cuts once more, after so many bytes from now. */
  cutAfter(bytes: number): void
  close(): Promise<void>
}

interface CuttingOptions {
  /** Bytes, over all connections, after which all connections of that moment are reset; several for several cuts. */
  readonly after?: readonly number[]
  /** Which bytes count: those to the server, those from it, or both. */
  readonly counts?: 'up' | 'down' | 'both'
  /** Nobody is let through any more after the last cut: connections are refused. */
  readonly ends?: boolean
}

/**
 * Starts a proxy in front of `127.0.0.1:port`. The cut comes after exactly the byte that was named: those before
 * it are passed on, those after it are not. New connections are let through.
 */
export async function cutting(
  target: string,
  { after = [], counts = 'both', ends = false }: CuttingOptions = {},
): Promise<Cutting> {
  const [address, port] = target.split(':')
  const points = [...after].sort((a, b) => a - b)
  const pairs = new Set<readonly [Socket, Socket]>()
  let bytes = 0
  let cuts = 0

  function cut(): void {
    cuts++
    if (ends && points.length === 0) void close()
    for (const [client, server] of pairs) {
      client.resetAndDestroy()
      server.resetAndDestroy()
    }
    pairs.clear()
  }

  function pass(from: Socket, to: Socket, counted: boolean): void {
    let isOver = false
    from.on('data', (chunk: Buffer) => {
      const [point] = points
      if (isOver) return
      if (!counted || point === undefined || bytes + chunk.length < point) {
        if (counted) bytes += chunk.length
        if (!to.write(chunk)) from.pause()
        return
      }
      isOver = true
      const part = chunk.subarray(0, point - bytes)
      bytes = point
      points.shift()
      // The reset waits until the bytes before it are on their way.
      to.write(part, () => setImmediate(cut))
    })
    to.on('drain', () => from.resume())
    from.on('end', () => to.end())
    from.on('error', () => to.destroy())
  }

  const proxy = createServer({ allowHalfOpen: true }, client => {
    const server = connect({ host: address, port: Number(port), allowHalfOpen: true })
    const pair = [client, server] as const
    pairs.add(pair)
    pass(client, server, counts !== 'down')
    pass(server, client, counts !== 'up')
    const forget = () => {
      client.destroy()
      server.destroy()
      pairs.delete(pair)
    }
    client.on('close', forget)
    server.on('close', forget)
  })
  const { port: own, close } = await listen(proxy)
  return {
    host: `127.0.0.1:${own}`,
    get cuts() {
      return cuts
    },
    get bytes() {
      return bytes
    },
    cutAfter(more) {
      points.push(bytes + more)
      points.sort((a, b) => a - b)
    },
    close,
  }
}
