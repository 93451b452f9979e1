import { setTimeout as sleep } from 'node:timers/promises'
import { faultOf } from './faults.ts'
import { ExchangeFault, type Followed } from './follow.ts'
import { longestWait, retryAfter, serverTime } from './retry-after.ts'

export interface RetryOptions {
  /** May be sent again when it is not known what became of it. */
  readonly isRepeatable: boolean
  /** Whether the host answered before in this run: then one that is absent may come back. */
  readonly wasThere: () => boolean
  /** Hears how long the server wants us to wait, in milliseconds. */
  readonly onWait: (milliseconds: number) => void
  /** Hears of a connection that was lost, and whether the host, which was there, is now gone. */
  readonly onDrop?: (isGone: boolean) => void
  readonly signal?: AbortSignal | undefined
  readonly attempts?: number
}

const defaultAttempts = 7
/** A host that was never there is more likely wrong than in trouble. */
const firstAttempts = 3
const firstDelay = 500
const longestDelay = 10_000
/** Refused for the moment; whatever the request was, nothing was done. */
const notNow = new Set([429])
const passing = new Set([408, 500, 502, 503, 504])

/**
 * Does something until it works: after 408, 429, passing 5xx, drops and timeouts it waits (Retry-After, or
 * exponential with full jitter) and tries again. The last answer is given back as it is; the last failure
 * is thrown.
 */
export async function retried(
  attempt: () => Promise<Followed>,
  { isRepeatable, wasThere, onWait, onDrop, signal, attempts = defaultAttempts }: RetryOptions,
): Promise<Followed> {
  let longWaits = 0
  for (let tries = 1; ; tries++) {
    const isLast = tries >= attempts
    let wait: number | undefined
    try {
      const response = await attempt()
      const isBusy = notNow.has(response.status) || (isRepeatable && passing.has(response.status))
      if (!isBusy || isLast) return response
      wait = retryAfter(response.headers['retry-after'], serverTime(response.headers['date']))
      // Who asks for an hour is not asked every minute.
      if ((wait ?? 0) > longestWait && longWaits++ > 0) return response
      response.body.destroy()
      if (wait !== undefined) onWait(wait)
    } catch (error) {
      if (!(error instanceof ExchangeFault)) throw error
      const fault = faultOf(error.thrown)
      const isEnough = isLast || (tries >= firstAttempts && !wasThere())
      const isPassing = fault === 'dropped' || (fault === 'absent' && wasThere())
      // Nothing was sent to who is absent, so that any request may be tried again.
      if (isEnough || !isPassing || !(isRepeatable || fault === 'absent')) throw error
      onDrop?.(fault === 'absent' && wasThere())
    }
    await sleep(wait === undefined ? delayOf(tries) : Math.min(wait, longestWait), undefined, {
      ...(signal === undefined ? {} : { signal }),
    }).catch(() => signal?.throwIfAborted())
  }
}

function delayOf(tries: number): number {
  return Math.random() * Math.min(longestDelay, firstDelay * 2 ** (tries - 1))
}
