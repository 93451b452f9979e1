/**
 * Waits for what several wait for, no longer than this one's signal allows; throws its reason. The others
 * go on.
 */
export function abortable<T>(shared: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return shared
  if (signal.aborted) return Promise.reject(signal.reason)
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  shared.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  return promise
}
