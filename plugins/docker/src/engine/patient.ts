import type { Duplex } from 'node:stream'

/**
 * A socket on which a write that fails does not end the reading: an engine may answer with an error and
 * close before it has read everything, and the answer is still to be had. What is written after that
 * stays unwritten, so that whoever writes waits until the answer, or its lack, ends the connection. When
 * there is no more to read it is gone: it would wait for that write, and an agent would use it again.
 */
export function patient<T extends Duplex>(socket: T): T {
  const write = socket._write.bind(socket)
  const writev = socket._writev?.bind(socket)
  const over =
    (callback: (error?: Error | null) => void) =>
    (error?: Error | null): void => {
      if (!isGone(error)) callback(error)
    }
  socket._write = (chunk, encoding, callback) => write(chunk, encoding, over(callback))
  if (writev !== undefined) socket._writev = (chunks, callback) => writev(chunks, over(callback))
  socket.once('end', () => socket.destroy())
  return socket
}

function isGone(error: Error | null | undefined): boolean {
  const code = error != null && 'code' in error ? error.code : undefined
  return code === 'EPIPE' || code === 'ECONNRESET'
}
