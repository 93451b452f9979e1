import pLimit from 'p-limit'

/** Ends the use of a slot; further calls do nothing. */
export type Release = () => void

/** How many requests a host has under way at once. */
export interface Slots {
  /**
   * Waits for a slot. Requests that send a body and requests that do not are counted apart: a body may
   * be what another request of the same host brings, and neither must wait for the other for ever.
   */
  take(sendsBody: boolean, signal?: AbortSignal): Promise<Release>
}

export function createSlots(concurrency: number): Slots {
  const sending = pLimit(concurrency)
  const asking = pLimit(concurrency)
  return {
    take(sendsBody, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<Release>()
      const onAbort = (): void => reject(signal?.reason)
      if (signal?.aborted) return Promise.reject(signal.reason)
      signal?.addEventListener('abort', onAbort, { once: true })
      void (sendsBody ? sending : asking)(async () => {
        signal?.removeEventListener('abort', onAbort)
        if (signal?.aborted) return
        const used = Promise.withResolvers<void>()
        resolve(used.resolve)
        await used.promise
      })
      return promise
    },
  }
}
