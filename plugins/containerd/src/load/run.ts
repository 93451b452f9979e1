import { setTimeout as sleep } from 'node:timers/promises'
import type { ExportResult } from '@orch/core'
import { formatPlatform, messageOf, toError } from '@orch/oci'
import { hasStatus, isLost } from '../client/errors.ts'
import type { Client } from '../client/types.ts'
import { reach } from '../endpoint.ts'
import { type Beginning, begin, complete, sendLeaves } from './attempt.ts'
import { ContentGone } from './check.ts'
import { newLease, sweepLeases } from './lease.ts'
import type { Load, Sent } from './session.ts'

/** How often a load is gone on with after the daemon, the lease or the content went away. */
const attempts = 4
/** How long a daemon that went away may take to come back. */
const comebackMs = 10_000
/** How long cleaning up may take: less than a tap has after Ctrl-C. */
const releaseMs = 4000

/** One load on its way, over as many attempts as it takes. */
interface Run {
  readonly load: Load
  readonly lease: string
  readonly sent: Sent
  client: Client | undefined
  beginning: Beginning | undefined
  error: Error | undefined
}

/**
 * Brings one image into several daemons, each blob read once. Every load settles on its own: a result,
 * or why there is none. What failed leaves the earlier image record and nothing of its own behind, as
 * far as the daemon still answers.
 */
export async function runTogether(
  loads: readonly Load[],
): Promise<readonly (ExportResult | Error)[]> {
  const runs = loads.map(
    (load): Run => ({
      load,
      lease: newLease(),
      sent: new Map(),
      client: undefined,
      beginning: undefined,
      error: undefined,
    }),
  )
  await Promise.all(runs.map(start))
  const sessions = runs.flatMap(({ beginning }) => beginning?.session ?? [])
  const failure = await sendLeaves(sessions).then(() => undefined, toError)
  return Promise.all(
    runs.map(async run => {
      // What the source cannot give, no other attempt brings.
      run.error ??= failure
      const outcome = await finish(run).catch(toError)
      await release(run, outcome)
      return outcome
    }),
  )
}

async function start(run: Run): Promise<void> {
  const { load } = run
  try {
    run.client = await reach(load.endpoint, load.context)
    run.beginning = await begin(load, run.client, run)
  } catch (error) {
    run.error = toError(error)
  }
}

async function finish(run: Run): Promise<ExportResult> {
  const { load } = run
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (run.error !== undefined) throw run.error
      if (run.beginning === undefined) throw new Error('the load was not begun')
      await complete(run.beginning)
      return resultOf(load, run.beginning)
    } catch (error) {
      if (!isPassing(error) || attempt === attempts || load.context.signal.aborted) throw error
      await again(run, toError(error))
    }
  }
}

/** Whether another attempt may do better; what the first has sent is there still, or its upload goes on. */
function isPassing(error: unknown): boolean {
  // Not found: somebody deleted the lease, or what it held.
  return isLost(error) || error instanceof ContentGone || hasStatus(error, 'NOT_FOUND')
}

/** Waits for the daemon and sends what it lacks. Throws `why` when the daemon does not come back. */
async function again(run: Run, why: Error): Promise<void> {
  const { load } = run
  const { context, image } = load
  const message = `${why.message}; trying again`
  context.events.emit({ type: 'log', level: 'warning', image: image.name, message })
  run.client?.close()
  run.client = undefined
  run.client = await comeback(load, why)
  run.error = undefined
  try {
    run.beginning = await begin(load, run.client, run)
    await sendLeaves([run.beginning.session])
  } catch (error) {
    run.error = toError(error)
  }
}

async function comeback({ endpoint, context }: Load, why: Error): Promise<Client> {
  const until = Date.now() + comebackMs
  for (;;) {
    try {
      return await reach(endpoint, context)
    } catch {
      context.signal.throwIfAborted()
      // What went wrong first says more than that nobody answers now.
      if (Date.now() > until) throw why
    }
    await sleep(300, undefined, { signal: context.signal })
  }
}

/** Cleaning up is done after Ctrl-C too, and may not take long then. */
function shortly(): AbortSignal {
  return AbortSignal.timeout(releaseMs)
}

/** Gives the lease back, and those of the dead. After a failure everything goes that the lease alone held. */
async function release(run: Run, outcome: ExportResult | Error): Promise<void> {
  const { lease, load } = run
  const { address } = load.endpoint
  if (run.beginning === undefined && run.client === undefined) return // never there
  const giveBack = async (client: Client): Promise<void> => {
    const call = { signal: shortly() }
    await client.leases.delete(lease, { sync: outcome instanceof Error }, call)
    await sweepLeases(client, call)
  }
  try {
    // Broken off while the daemon was waited for: once more, for the lease alone.
    run.client ??= await reach(load.endpoint, { ...load.context, signal: shortly() })
    await giveBack(run.client).catch(async error => {
      if (!isLost(error)) throw error
      run.client?.close()
      run.client = await comeback(load, error)
      await giveBack(run.client)
    })
  } catch (error) {
    const message = `${address}: the lease ${lease} could not be given back, it ends by itself in a day: ${messageOf(error)}`
    load.context.events.emit({ type: 'log', level: 'warning', image: load.image.name, message })
  } finally {
    run.client?.close()
  }
}

function resultOf(load: Load, { session, unpacking }: Beginning): ExportResult {
  const { exporter, image, names, content, endpoint } = load
  return {
    exporter,
    image: image.name,
    digest: content.source.root.digest,
    location: names[0] ?? '',
    names,
    details: {
      address: endpoint.address,
      namespace: endpoint.namespace,
      platforms: content.manifests.map(({ platform }) => formatPlatform(platform)),
      ...(unpacking === undefined
        ? {}
        : {
            snapshotter: unpacking.snapshotter.name,
            unpacked: session.unpacked.map(formatPlatform),
          }),
      ...session.tallies(),
    },
  }
}
