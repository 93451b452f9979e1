import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { type TestImage, testImage } from '../../packages/oci/src/graph/test-image.ts'
import { type Containerd, startContainerd } from '../kit/containerd.ts'
import { type ContainerdVersion, containerdVersions } from '../kit/containerd-release.ts'
import { type Outcome, orch, type Running, startOrch } from '../kit/exec.ts'
import { eachContainerd, needs } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { eventsOf } from './events.ts'
import {
  expectError,
  expectLoaded,
  heldBy,
  largeImage,
  layoutOf,
  MiB,
  untilUnpacking,
  untilUploaded,
} from './loading.ts'

const name = 'example.com/team/app:1'
// So large that a copy does not end while this process stalls.
const size = 192 * MiB

let large: TestImage
let small: TestImage
let largeLayout = ''
let smallLayout = ''
beforeAll(async () => {
  large = await largeImage(size)
  small = await testImage(['linux/amd64'])
  largeLayout = await layoutOf(large)
  smallLayout = await layoutOf(small)
})

/** A daemon with the small image, and with what it is asked to do. */
interface Place {
  readonly daemon: Containerd
  /** Where its data is. */
  readonly root: string
  /** How orch copies there, over the image that is there. */
  args(layout: string): readonly string[]
  /** Copies over the image that is there. */
  copied(layout: string): Promise<Outcome>
  /** A copy of the large image, at the instant at which a good part of it, and not all, has arrived. */
  uploading(): Promise<Running>
}

async function placeOf(version: ContainerdVersion): Promise<Place> {
  const root = await tempFolder('root')
  const daemon = await startContainerd({ version, root })
  const { address, namespace, snapshotter } = daemon
  const options = `address=${address},namespace=${namespace},snapshotter=${snapshotter}`
  const args = (layout: string): readonly string[] => [
    'copy',
    '--progress',
    'rawjson',
    `oci:${layout}`,
    `containerd:${name},${options}`,
  ]
  const place: Place = {
    daemon,
    root,
    args,
    async copied(layout) {
      const outcome = await orch(args(layout))
      expect(outcome.exitCode, outcome.stderr).toBe(0)
      return outcome
    },
    async uploading() {
      const running = await startOrch(args(largeLayout))
      await untilUploaded(root, size / 8)
      return running
    },
  }
  await place.copied(smallLayout)
  return place
}

/** The large layer was gone on with: what was told of it first, after its announcement, is more than one message. */
function expectResumed(stderr: string, isRetry: boolean): void {
  const [layer] = [...large.blobs.keys()]
  const events = eventsOf(stderr)
  const from = isRetry ? events.findIndex(({ type }) => type === 'log') : 0
  const told = events
    .slice(from)
    .flatMap(event => (event.type === 'progress' && event.what === layer ? [event.current] : []))
  expect(told[0]).toBe(0)
  expect(told[1]).toBeGreaterThanOrEqual(size / 8)
}

eachContainerd()('an upload that breaks off half-way', version => {
  let place: Place
  let before: unknown
  beforeAll(async () => {
    place = await placeOf(version)
    before = await heldBy(place.daemon)
  })
  afterEach(async () => {
    await place.copied(smallLayout)
    await place.daemon.collect()
    expect(await heldBy(place.daemon)).toEqual(before)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s: it ends soon, and nothing of it stays', async (signal, exitCode) => {
    const running = await place.uploading()
    const began = performance.now()
    running.kill(signal)
    const { exitCode: ended, stdout, stderr } = await running.done
    expect(performance.now() - began).toBeLessThan(5000)
    expect(ended, stderr).toBe(exitCode)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^interrupted$/m)
    expect(await heldBy(place.daemon)).toEqual(before)
  })

  it('by SIGINT while it is unpacked: nothing of it stays', async () => {
    const running = await startOrch(place.args(largeLayout))
    await untilUnpacking(place.root, 'large', size / 8)
    running.kill('SIGINT')
    const { exitCode, stderr } = await running.done
    expect(exitCode, stderr).toBe(130)
    expect(await heldBy(place.daemon)).toEqual(before)
  })

  it('with the daemon, which comes back: it goes on from there', async () => {
    const { daemon } = place
    const running = await place.uploading()
    await daemon.kill()
    await daemon.restart()
    const { exitCode, stderr } = await running.done
    expect(exitCode, stderr).toBe(0)
    expect(stderr).toContain(`${daemon.address} broke`)
    expectResumed(stderr, true)
    await expectLoaded(daemon, name, large)
  })
})

/** Both versions side by side, as most of it is waiting. */
needs('containerd', 'containerd2')('an upload into a daemon that does not come back', () => {
  let places: readonly Place[] = []
  beforeAll(async () => {
    places = await Promise.all(containerdVersions.map(placeOf))
  })

  it('because it hangs: Ctrl-C ends it soon, and the next copy removes what stayed', async () => {
    const interrupted = async ({ daemon, copied, uploading }: Place) => {
      const before = await heldBy(daemon)
      const running = await uploading()
      process.kill(daemon.pid, 'SIGSTOP')
      const began = performance.now()
      running.kill('SIGINT')
      const { exitCode, stderr } = await running.done
      process.kill(daemon.pid, 'SIGCONT')
      // It gives its lease four seconds; a call that hangs is otherwise waited for for thirty and more.
      expect(performance.now() - began).toBeLessThan(15_000)
      expect(exitCode, stderr).toBe(130)
      await copied(smallLayout)
      await daemon.collect()
      expect(await heldBy(daemon)).toEqual(before)
    }
    await Promise.all(places.map(interrupted))
  })

  it('because it died: it says so, and the next copy goes on from there', async () => {
    const lost = async ({ daemon, copied, uploading }: Place) => {
      const running = await uploading()
      await daemon.kill()
      const says = [daemon.address, 'broke', 'Content.Write']
      expectError(await running.done, { exitCode: 1, code: 'CONTAINERD_LOST', says })
      await daemon.restart()
      expect((await daemon.ctr(['images', 'ls'])).stdout).toContain(small.root.digest)
      expectResumed((await copied(largeLayout)).stderr, false)
      await expectLoaded(daemon, name, large)
    }
    await Promise.all(places.map(lost))
  })
})

eachContainerd()('a daemon that was killed while it made a snapshot', version => {
  it('has the folder of it left in its way: the image is unpacked all the same', async () => {
    const root = await tempFolder('root')
    const daemon = await startContainerd({ version, root })
    const { address, namespace, snapshotter } = daemon
    const snapshots = join(root, `io.containerd.snapshotter.v1.${snapshotter}`, 'snapshots')
    // What the next ones want to be called: it numbers them.
    for (let id = 1; id <= 20; id += 1) {
      const folder = join(snapshots, String(id), 'fs')
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'left'), '')
    }
    const place = `address=${address},namespace=${namespace},snapshotter=${snapshotter}`
    const outcome = await orch(['copy', `oci:${smallLayout}`, `containerd:${name},${place}`])
    expect(outcome.exitCode, outcome.stderr).toBe(0)
    await expectLoaded(daemon, name, small)
    expect(await daemon.snapshots()).not.toEqual([])
    // Each snapshot took away what was in its way.
    expect(existsSync(join(snapshots, '1', 'fs', 'left'))).toBe(false)
    expect(existsSync(join(snapshots, '20', 'fs', 'left'))).toBe(true)
  })
})
