import { once } from 'node:events'
import type { Server, Socket } from 'node:net'
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
