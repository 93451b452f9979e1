import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { createOrch, type Image } from '@orch/core'
import { type ContentSource, encodeIndex, mediaTypes } from '@orch/oci'
import { containerd as containerdPlugin } from '@orch/plugin-containerd'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { rootedAt, type TestImage, testImage } from '../../packages/oci/src/graph/test-image.ts'
import { connect } from '../../plugins/containerd/src/client/connect.ts'
import type { Client, WriteStream } from '../../plugins/containerd/src/client/types.ts'
import { atEnd } from '../kit/cleanup.ts'
import { type Containerd, startContainerd } from '../kit/containerd.ts'
import { containerdVersions } from '../kit/containerd-release.ts'
import { type Outcome, orch, startOrch } from '../kit/exec.ts'
import { eachContainerd, needs } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { smallDisk } from '../kit/tmpfs.ts'
import { expectError, expectLoaded, heldBy, largeImage, layoutOf, MiB } from './loading.ts'

const name = 'example.com/team/app:1'

let image: TestImage
let layout = ''
beforeAll(async () => {
  image = await largeImage(64 * MiB)
  layout = await layoutOf(image)
})

function placeOf({ address, namespace, snapshotter }: Containerd, reference = name): string {
  return `containerd:${reference},address=${address},namespace=${namespace},snapshotter=${snapshotter}`
}

function copy(source: string, ...destinations: readonly string[]): Promise<Outcome> {
  return orch(['copy', '--progress', 'quiet', `oci:${source}`, ...destinations])
}

async function emptied(daemon: Containerd): Promise<void> {
  for (const there of await daemon.images()) await daemon.ctr(['images', 'rm', '--sync', there])
  expect(await heldBy(daemon)).toMatchObject({
    contents: [],
    snapshots: [],
    leases: [],
    ingests: [],
  })
}

eachContainerd()('two orch on one daemon at once', version => {
  let daemon: Containerd
  beforeAll(async () => {
    daemon = await startContainerd({ version })
  })
  afterEach(() => emptied(daemon))

  it('with one image: both are right', async () => {
    const copies = [copy(layout, placeOf(daemon)), copy(layout, placeOf(daemon))]
    for (const { exitCode, stderr } of await Promise.all(copies)) expect(exitCode, stderr).toBe(0)
    await expectLoaded(daemon, name, image)
    expect(await daemon.contents()).toEqual([...image.blobs.keys()].sort())
  })

  it('with one image under two names in one run, with several images of the same layers', async () => {
    const second = 'example.com/team/second:1'
    const copied = await copy(layout, placeOf(daemon), placeOf(daemon, second))
    expect(copied.exitCode, copied.stderr).toBe(0)
    await expectLoaded(daemon, name, image)
    await expectLoaded(daemon, second, image)
  })

  it('with two images that share a layer: both are right', async () => {
    const more = await testImage(['linux/s390x'])
    for (const [digest, blob] of image.blobs) more.blobs.set(digest, blob)
    const manifests = [...image.manifests, ...more.manifests]
    const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests } as const
    more.blobs.delete(more.root.digest)
    more.blobs.delete(image.root.digest)
    const other = rootedAt(more.keep(encodeIndex(index), mediaTypes.index), more)
    const otherName = 'example.com/team/other:1'
    const copies = [
      copy(layout, placeOf(daemon)),
      copy(await layoutOf(other), placeOf(daemon, otherName)),
    ]
    for (const { exitCode, stderr } of await Promise.all(copies)) expect(exitCode, stderr).toBe(0)
    await expectLoaded(daemon, name, image)
    await expectLoaded(daemon, otherName, other)
    const digests = new Set([...image.blobs.keys(), ...other.blobs.keys()])
    expect(await daemon.contents()).toEqual([...digests].sort())
  })
})

eachContainerd()('a layer that somebody else uploads', version => {
  let daemon: Containerd
  let client: Client
  beforeAll(async () => {
    daemon = await startContainerd({ version })
    client = await connect(daemon)
    atEnd(async () => client.close())
  })
  afterEach(() => emptied(daemon))

  /** Holds the upload of the large layer, of which half is sent. */
  async function holding(): Promise<{ ref: string; upload: WriteStream }> {
    const [blob] = image.blobs.values()
    if (blob === undefined) throw new Error('the image has blobs')
    const { digest, size } = blob.descriptor
    const ref = `layer-${digest}`
    const upload = client.content.write()
    const half = (await buffer(blob.open())).subarray(0, 4 * MiB)
    const request = { ref, total: size, expected: digest, offset: 0, data: [half] }
    await upload.send({ ...request, action: 'write' })
    return { ref, upload }
  }

  it('is waited for, and gone on with when they let go', async () => {
    const { upload } = await holding()
    const copying = copy(layout, placeOf(daemon))
    await sleep(1500)
    expect(await daemon.images()).toEqual([])
    await upload.end()
    const { exitCode, stderr } = await copying
    expect(exitCode, stderr).toBe(0)
    await expectLoaded(daemon, name, image)
  })

  it('is left to them when the wait is interrupted', async () => {
    const { ref, upload } = await holding()
    const waiting = await startOrch(['copy', `oci:${layout}`, placeOf(daemon)])
    await expect.poll(() => daemon.leases(), { timeout: 60_000 }).toHaveLength(1)
    await sleep(500)
    waiting.kill('SIGINT')
    expect(await waiting.done).toMatchObject({ exitCode: 130 })
    expect(await daemon.leases()).toEqual([])
    expect(await daemon.ingests()).toEqual([ref])
    await upload.end()
    await client.content.abort(ref)
  })
})

/** Loads the image in this process. Gives what went wrong, and how often each blob was opened. */
async function loadAll(daemons: readonly Containerd[], { root, content }: TestImage) {
  const opened = new Map<string, number>()
  const counting: ContentSource = {
    async blob(descriptor) {
      const blob = await content.blob(descriptor)
      const open: typeof blob.open = options => {
        opened.set(descriptor.digest, (opened.get(descriptor.digest) ?? 0) + 1)
        return blob.open(options)
      }
      return { ...blob, open }
    },
  }
  const loader = await createOrch({
    plugins: [containerdPlugin()],
    root: await tempFolder('root'),
    store: { root: await tempFolder('store') },
    env: {},
  })
  try {
    const loaded: Image = { root, content: counting, name: 'app', references: [name] }
    const options = { unpack: 'host', labels: {}, pin: false }
    const exports = daemons.map(({ address, namespace, snapshotter }) => ({
      exporter: 'containerd',
      options: { ...options, address, namespace, snapshotter },
    }))
    const [exported] = await loader.export([loaded], exports)
    return { errors: exported?.errors ?? [], opened }
  } finally {
    await loader.close()
  }
}

needs('containerd', 'containerd2')('several containerds at once', () => {
  const daemons: Containerd[] = []
  beforeAll(async () => {
    for (const version of containerdVersions) daemons.push(await startContainerd({ version }))
  })
  afterEach(async () => {
    for (const daemon of daemons) await emptied(daemon)
  })

  it('get the image, and each layer is read once for all', async () => {
    const { errors, opened } = await loadAll(daemons, image)
    expect(errors).toEqual([])
    for (const daemon of daemons) await expectLoaded(daemon, name, image)
    const layers = [...image.blobs.values()]
      .map(({ descriptor }) => descriptor)
      .filter(({ mediaType }) => mediaType === mediaTypes.layer)
    expect(layers.map(({ digest }) => opened.get(digest))).toEqual([1])
  })

  it('get it when another is not there, which the error names', async () => {
    const dead = `${await tempFolder('dead')}/c.sock`
    const outcome = await copy(
      layout,
      `containerd:${name},address=${dead}`,
      ...daemons.map(daemon => placeOf(daemon)),
    )
    expectError(outcome, { exitCode: 1, code: 'CONTAINERD_UNREACHABLE', says: [dead] })
    for (const daemon of daemons) await expectLoaded(daemon, name, image)
  })

  it('get it when the disk of another is full half-way', async () => {
    const full = await startContainerd({ root: await smallDisk(24 * MiB) })
    const outcome = await copy(layout, ...[full, ...daemons].map(daemon => placeOf(daemon)))
    expectError(outcome, { exitCode: 1, code: 'CONTAINERD_FULL', says: [full.address] })
    for (const daemon of daemons) await expectLoaded(daemon, name, image)
    await emptied(full)
    await full.stop()
  })
})
