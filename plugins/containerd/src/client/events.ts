import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js'
import type { Calls } from './calls.ts'
import type { Client, EventEnvelope } from './types.ts'

const name = 'events.Events/Subscribe'

/** What happens in the daemon (events.Events): from the call on, whenever the iteration begins. */
export function events(calls: Calls): Client['events'] {
  return (filters, signal) => {
    const call = calls.read(name, { filters }, { signal })
    let failure: ServiceError | undefined
    call.on('error', (error: ServiceError) => {
      failure = error
    })
    return iterate(call, () => {
      if (failure !== undefined && !signal.aborted) throw calls.failure(name, failure)
    })
  }
}

async function* iterate(
  call: ClientReadableStream<EventEnvelope>,
  check: () => void,
): AsyncGenerator<EventEnvelope> {
  try {
    for await (const { namespace, topic } of call as AsyncIterable<EventEnvelope>)
      yield { namespace, topic }
  } catch {
    // What broke it off is what the check knows.
  } finally {
    call.cancel()
  }
  check()
}
