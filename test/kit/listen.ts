import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { atEnd } from './cleanup.ts'

/** Lets a server listen on a port of its own; it is closed, with all its connections, at the end of the test file. */
export async function listen(
  server: Server,
  address = '127.0.0.1',
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    // Connections that end badly are what these servers are for.
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, address)
  await once(server, 'listening')
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('the server has no port')
  let closing: Promise<void> | undefined
  const close = () =>
    (closing ??= new Promise<void>((resolve, reject) => {
      server.close(error => (error ? reject(error) : resolve()))
      for (const socket of sockets) socket.destroy()
    }))
  atEnd(close)
  return { port: bound.port, close }
}

/** A port on which nothing listens, below those that systems give to connections that go out. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const probe = createServer().listen(port, '127.0.0.1')
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    probe.close()
    await once(probe, 'close')
    return port
  }
}
