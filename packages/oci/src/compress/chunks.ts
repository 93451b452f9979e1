/** Cuts a stream into chunks of exactly `size` bytes, the last one shorter. Each chunk is a buffer of its own. */
export async function* chunksOf(
  source: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Buffer, void, undefined> {
  let chunk = Buffer.allocUnsafeSlow(size)
  let used = 0
  for await (const bytes of source) {
    for (let at = 0; at < bytes.byteLength; ) {
      const taken = Math.min(size - used, bytes.byteLength - at)
      chunk.set(bytes.subarray(at, at + taken), used)
      used += taken
      at += taken
      if (used < size) continue
      yield chunk
      chunk = Buffer.allocUnsafeSlow(size)
      used = 0
    }
  }
  if (used > 0) yield chunk.subarray(0, used)
}

/** Runs `work` on up to `width` items at once and yields the results in the order of the items. */
export async function* inOrder<In, Out>(
  items: AsyncIterable<In>,
  width: number,
  work: (item: In) => Promise<Out>,
): AsyncGenerator<Out, void, undefined> {
  const running: Promise<Out>[] = []
  try {
    for await (const item of items) {
      const promise = work(item)
      promise.catch(() => {}) // seen when its turn comes
      running.push(promise)
      if (running.length >= width) yield await (running.shift() as Promise<Out>)
    }
    for (let next = running.shift(); next !== undefined; next = running.shift()) yield await next
  } finally {
    await Promise.allSettled(running)
  }
}
