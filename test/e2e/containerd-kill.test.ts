import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, it } from 'vitest'
import { type Containerd, startContainerd } from '../kit/containerd.ts'
import type { Outcome, Running } from '../kit/exec.ts'
import { eachContainerd } from '../kit/services.ts'
import { expectLoaded, Place, type Span, storm } from './containerd-place.ts'
import { type LayeredImage, layeredImage } from './layered.ts'

/** How often orch is killed, for each version. */
const kills = 12
/** How often containerd is killed and comes back soon. */
const comebacks = 6
/** How often it comes back only after orch has given it up. */
const losses = 4
const platforms = ['linux/amd64', 'linux/arm64']
const MiB = 1024 * 1024
/** Where the instants of a run of these tests begin. */
const start = Math.random()

let image: LayeredImage
let earlier: LayeredImage
beforeAll(async () => {
  image = await layeredImage(platforms, 20 * MiB)
  earlier = await layeredImage(platforms.slice(0, 1), 2 * MiB)
})

/** One try to end something at an instant of a load. */
interface Attempt {
  readonly running: Running
  /** What the name had before. */
  readonly before: LayeredImage | undefined
  /** Which one that counted this would be, from 0. */
  readonly count: number
  /** For a failed check to say. */
  readonly when: string
}

/**
 * Starts loads, every second over an earlier image, and calls `hit` at instants that are spread over the
 * span in which a load is busy with the daemon, until it has said so many times that it hit one.
 */
async function hitLoads(
  place: Place,
  { from = 0, times, span }: { from?: number; times: number; span: Span },
  hit: (attempt: Attempt) => Promise<boolean>,
): Promise<void> {
  let tries = 0
  for (let count = from; count < from + times; tries += 1) {
    expect(tries, 'loads end before they are hit').toBeLessThan(3 * times + 3)
    await place.empty()
    const before = count % 2 === 1 ? earlier : undefined
    if (before !== undefined) await place.load(before, 'the earlier image')
    // Steps of the golden ratio cover the time evenly, wherever they begin and end.
    const part = (start + (from + tries) * 0.618_034) % 1
    const instant = Math.round(span.begin + part * (span.end - span.begin))
    const over = before === undefined ? 'nothing' : 'an earlier image'
    const when = `hit ${count} (try ${tries}) after ${instant} of ${Math.round(span.end)} ms, over ${over}`
    const running = await place.start(image)
    await sleep(instant)
    if (await hit({ running, before, count, when })) count += 1
  }
}

/** Whether the program has ended. */
async function isOver({ done }: Running): Promise<boolean> {
  return (await Promise.race([done, sleep(0)])) !== undefined
}

eachContainerd()('a load that is cut off', version => {
  let place: Place
  let span: Span
  beforeAll(async () => {
    place = new Place(await startContainerd({ version }))
    await place.measure(image)
    span = await place.measure(image)
  })

  it(`survives kill -9 of orch at ${kills} instants`, async () => {
    await hitLoads(place, { times: kills, span }, async ({ running, before, count, when }) => {
      const isHit = await killOrch(running)
      const held = await place.record(before, image, when)
      if (count % 4 < 2) {
        await place.load(image, `again, after ${when}`)
        await place.expectOnly(image, when)
      } else {
        await place.deleteLeases()
        await place.expectOnly(held, when)
      }
      return isHit
    })
  })

  it(`goes on by itself when containerd is killed and comes back, at ${comebacks} instants`, async () => {
    await hitLoads(place, { times: comebacks, span }, async ({ running, before, when }) => {
      const isHit = await killContainerd(place.daemon, running)
      const outcome = await running.done
      await place.record(before, image, when)
      const isBegun = wasBegun(outcome)
      if (isBegun) expectLoaded(outcome, image, when)
      await place.expectOnly(isBegun ? image : before, when)
      return isHit && isBegun
    })
  })

  it('survives both while garbage is collected and labels are taken off layers all the time', async () => {
    const end = storm(place.daemon)
    try {
      await hitLoads(place, { from: 1, times: 1, span }, async ({ running, before, when }) => {
        const isHit = await killOrch(running)
        expect([before?.digest, image.digest], when).toContain(await place.target())
        await place.load(image, `again, after ${when}`)
        await place.expectDocuments(image, when)
        return isHit
      })
      await hitLoads(place, { from: 1, times: 1, span }, async ({ running, when }) => {
        const isHit = await killContainerd(place.daemon, running)
        const outcome = await running.done
        const isBegun = wasBegun(outcome)
        if (isBegun) {
          expectLoaded(outcome, image, when)
          await place.expectDocuments(image, when)
        }
        return isHit && isBegun
      })
    } finally {
      await end()
    }
    // Those of the storm.
    await place.deleteLeases()
    await place.load(image, 'after the storm')
    await place.expectOnly(image, 'after the storm')
  })
})

async function killOrch(running: Running): Promise<boolean> {
  running.kill('SIGKILL')
  return (await running.done).exitCode === 137
}

/** Kills containerd, and starts it again soon. Whether the load was on its way. */
async function killContainerd(daemon: Containerd, running: Running): Promise<boolean> {
  const isHit = !(await isOver(running))
  await daemon.kill()
  await sleep(200 + Math.random() * 800)
  await daemon.restart()
  return isHit
}

/** Before orch has reached the daemon, there is nothing that it could go on with. */
function wasBegun({ stderr }: Outcome): boolean {
  return !stderr.includes('CONTAINERD_UNREACHABLE')
}

eachContainerd()('a load whose containerd does not come back', version => {
  it(`fails and says why, at ${losses} instants, and the next one succeeds`, async () => {
    const places = await Promise.all(
      Array.from({ length: losses }, async () => new Place(await startContainerd({ version }))),
    )
    const span = await places[0]?.measure(image)
    if (span === undefined) expect.fail('there is no daemon')
    const lost: { place: Place; attempt: Attempt }[] = []
    for (const [from, place] of places.entries())
      await hitLoads(place, { from, times: 1, span }, async attempt => {
        if (await isOver(attempt.running)) return false
        await place.daemon.kill()
        lost.push({ place, attempt })
        return true
      })
    // Side by side, because orch waits a while for what is lost.
    await Promise.all(lost.map(recover))
  })
})

/** Starts containerd again once orch has given it up. */
async function recover({ place, attempt }: { place: Place; attempt: Attempt }): Promise<void> {
  const { running, before, when } = attempt
  const { exitCode, stderr } = await running.done
  await place.daemon.restart()
  const held = await place.record(before, image, when)
  // Only the lease was left to be given back.
  if (exitCode === 0) expect(held, `${when}\n${stderr}`).toBe(image)
  else {
    expect(stderr, when).toMatch(/error\[CONTAINERD_(LOST|UNREACHABLE)\]/)
    expect(stderr, when).toContain('hint: ')
  }
  await place.load(image, `again, after ${when}`)
  await place.expectOnly(image, when)
}
