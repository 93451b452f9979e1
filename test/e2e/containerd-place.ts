import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Containerd } from '../kit/containerd.ts'
import { type Outcome, orch, type Running, startOrch } from '../kit/exec.ts'
import type { LayeredImage } from './layered.ts'

const name = 'example.com/team/app:1'

/** A part of the time that orch runs, in milliseconds after its start. */
export interface Span {
  readonly begin: number
  readonly end: number
}

/** A daemon with the way orch is called on it. */
export class Place {
  readonly daemon: Containerd
  readonly #env: Record<string, string>

  constructor(daemon: Containerd) {
    this.daemon = daemon
    const { address, namespace, snapshotter } = daemon
    this.#env = {
      CONTAINERD_ADDRESS: address,
      CONTAINERD_NAMESPACE: namespace,
      CONTAINERD_SNAPSHOTTER: snapshotter,
    }
  }

  start({ layout }: LayeredImage, env: Record<string, string> = {}): Promise<Running> {
    const options = { env: { ...this.#env, ...env } }
    return startOrch(['copy', `oci:${layout}`, `containerd:${name}`], options)
  }

  /** Loads the image to the end, and sees that orch says so. */
  async load(loaded: LayeredImage, when: string): Promise<void> {
    expectLoaded(await (await this.start(loaded)).done, loaded, when)
  }

  /** When a load into an empty daemon reaches it, and when it ends. */
  async measure(image: LayeredImage): Promise<Span> {
    const began = performance.now()
    await this.load(image, 'undisturbed')
    const end = performance.now() - began
    await this.empty()
    const again = performance.now()
    // No more than this is done before the daemon is reached.
    const none = await this.start(image, { CONTAINERD_ADDRESS: `${this.daemon.address}.none` })
    expect((await none.done).stderr).toContain('CONTAINERD_UNREACHABLE')
    return { begin: Math.min(performance.now() - again, end), end }
  }

  /** The digest that the name has. */
  async target(): Promise<string | undefined> {
    const { stdout } = await this.daemon.ctr(['images', 'ls', `name==${name}`])
    return /sha256:[0-9a-f]{64}/.exec(stdout)?.[0]
  }

  /** The record is what it was or what it shall be, and whole. Gives the image that it names. */
  async record(
    before: LayeredImage | undefined,
    after: LayeredImage,
    when: string,
  ): Promise<LayeredImage | undefined> {
    const target = await this.target()
    expect([before?.digest, after.digest], when).toContain(target)
    if (target === undefined) return undefined
    const valid = await orch(['validate', `containerd:${name}`], { env: this.#env })
    expect(valid.stdout, `${when}\n${valid.stdout}${valid.stderr}`).toContain('valid;')
    return target === after.digest ? after : before
  }

  /** Once garbage is collected, the daemon holds this image, all of it, and nothing else. */
  async expectOnly(held: LayeredImage | undefined, when: string): Promise<void> {
    const { daemon } = this
    const leases = await daemon.leases()
    await daemon.collect()
    const [target, contents, snapshots, ingests] = await Promise.all([
      this.target(),
      daemon.contents(),
      daemon.snapshots(),
      daemon.ingests(),
    ])
    const found = { target, contents, snapshots: snapshots.sort(), ingests, leases }
    expect(found, when).toEqual({
      target: held?.digest,
      contents: held?.blobs ?? [],
      snapshots: held?.snapshots ?? [],
      ingests: [],
      leases: [],
    })
  }

  /** The daemon holds everything of the image but layers, whose labels anyone may take off who wants to be rid of them. */
  async expectDocuments({ digest, documents }: LayeredImage, when: string): Promise<void> {
    expect(await this.target(), when).toBe(digest)
    expect(await this.daemon.contents(), when).toEqual(expect.arrayContaining([...documents]))
  }

  async deleteLeases(): Promise<void> {
    const leases = await this.daemon.leases()
    if (leases.length > 0) await this.daemon.ctr(['leases', 'delete', ...leases])
  }

  async empty(): Promise<void> {
    await this.daemon.ctr(['images', 'rm', '--sync', name])
  }
}

export function expectLoaded(
  { exitCode, stdout, stderr }: Outcome,
  loaded: LayeredImage,
  when: string,
): void {
  expect(exitCode, `${when}\n${stderr}`).toBe(0)
  expect(stdout, when).toContain(loaded.digest)
}

/** Collects garbage and takes the labels off layers, over and over, until it is told to end. */
export function storm(daemon: Containerd): () => Promise<void> {
  let isCalm = false
  const blow = async () => {
    while (!isCalm) {
      await daemon.collect().catch(() => {}) // the daemon is away now and then
      await daemon.ctr(['content', 'prune', 'references'])
      await sleep(50)
    }
  }
  const blowing = blow()
  return () => {
    isCalm = true
    return blowing
  }
}
