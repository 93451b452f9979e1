import { setTimeout as sleep } from 'node:timers/promises'
import { InterceptingCall, type Interceptor, Metadata, status } from '@grpc/grpc-js'
import { createOrch, type Image } from '@orch/core'
import { containerd as containerdPlugin } from '@orch/plugin-containerd'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { type TestImage, testImage } from '../../packages/oci/src/graph/test-image.ts'
import { type Containerd, startContainerd } from '../kit/containerd.ts'
import { eachContainerd } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'

const name = 'example.com/team/app:1'

/** Before a call of an import is made, by its number from 0. A throw fails the call. */
type Before = (call: number, method: string) => Promise<void>

/** Meets every call that orch makes to the daemon. */
function interceptorOf(before: Before): Interceptor {
  let calls = 0
  return (options, nextCall) => {
    let over = false
    return new InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        before(calls++, options.method_definition.path).then(
          () => next(metadata, listener),
          error => {
            over = true
            const details = String(error)
            listener.onReceiveStatus?.({ code: status.UNKNOWN, details, metadata: new Metadata() })
          },
        )
      },
      sendMessage: (message, next) => over || next(message),
      halfClose: next => over || next(),
    })
  }
}

/** Imports the image in this process, so that every call can be met. Gives what went wrong. */
async function importInto(
  daemon: Containerd,
  { root, content }: TestImage,
  before: Before = async () => {},
): Promise<readonly Error[]> {
  const orch = await createOrch({
    plugins: [containerdPlugin({ interceptors: [interceptorOf(before)] })],
    root: await tempFolder('root'),
    store: { root: await tempFolder('store') },
    env: {},
  })
  try {
    const { address, namespace, snapshotter } = daemon
    const options = { address, namespace, snapshotter, unpack: 'host', labels: {}, pin: false }
    const image: Image = { root, content, name: 'app', references: [name] }
    const [exported] = await orch.export([image], [{ exporter: 'containerd', options }])
    return exported?.errors ?? []
  } finally {
    await orch.close()
  }
}

/** What the daemon holds is the image, all of it, and nothing else. */
async function expectOnly(daemon: Containerd, image: TestImage): Promise<void> {
  await daemon.collect()
  expect(await daemon.contents()).toEqual([...image.blobs.keys()].sort())
  expect((await daemon.ctr(['images', 'ls'])).stdout).toContain(image.root.digest)
  expect(await daemon.images()).toEqual([name])
  expect(await daemon.snapshots()).toHaveLength(1)
  expect(await daemon.leases()).toEqual([])
  expect(await daemon.ingests()).toEqual([])
}

async function emptied(daemon: Containerd): Promise<void> {
  await daemon.ctr(['images', 'rm', '--sync', name])
  expect(await daemon.contents()).toEqual([])
  expect(await daemon.snapshots()).toEqual([])
}

/** The first call of each kind in a row, and every third after it: the others do the same again. */
function isTried(at: number, methods: readonly string[]): boolean {
  const isFirst = (index: number): boolean => methods[index] !== methods[index - 1]
  let first = at
  while (!isFirst(first)) first -= 1
  return (at - first) % 3 === 0
}

/** How many calls an import into an empty daemon makes. */
async function callsOf(daemon: Containerd, image: TestImage): Promise<readonly string[]> {
  const methods: string[] = []
  await importInto(daemon, image, async (_, method) => void methods.push(method))
  await emptied(daemon)
  return methods
}

eachContainerd()('an import, whatever happens to the daemon meanwhile', version => {
  let daemon: Containerd
  let image: TestImage
  let methods: readonly string[] = []
  beforeAll(async () => {
    daemon = await startContainerd({ version })
    image = await testImage()
    methods = await callsOf(daemon, image)
    expect(methods.length).toBeGreaterThan(30)
  })
  afterEach(() => emptied(daemon))

  it('loses nothing to a garbage collection before every call', async () => {
    expect(await importInto(daemon, image, () => daemon.collect())).toEqual([])
    await expectOnly(daemon, image)
  })

  it('loses nothing to `ctr content prune references`, at whichever call', async () => {
    // It takes the labels off that hold the layers. After the last look at the labels nobody puts them back.
    const lastLook = methods.length - 2 - 3
    for (const [at, method] of methods.slice(0, lastLook).entries()) {
      if (!isTried(at, methods)) continue
      const prune = async (call: number): Promise<void> => {
        if (call === at) await daemon.ctr(['content', 'prune', 'references'])
      }
      expect(await importInto(daemon, image, prune), `call ${at}, ${method}`).toEqual([])
      await expectOnly(daemon, image)
      await emptied(daemon)
    }
  })

  it('is whole in the end when somebody deletes its lease, at whichever call', async () => {
    for (const [at, method] of methods.entries()) {
      // The last calls give the lease back.
      if ((at > 3 && method.includes('leases')) || !isTried(at, methods)) continue
      const rob = async (call: number): Promise<void> => {
        if (call !== at) return
        for (const lease of await daemon.leases())
          await daemon.ctr(['leases', 'delete', '--sync', lease])
      }
      expect(await importInto(daemon, image, rob), `call ${at}, ${method}`).toEqual([])
      await expectOnly(daemon, image)
      await emptied(daemon)
    }
  })

  it('is whole in the end when the daemon starts anew, at whichever call', async () => {
    for (let at = 0; at < methods.length; at += 4) {
      const restart = async (call: number): Promise<void> => {
        if (call === at) await daemon.restart()
      }
      expect(await importInto(daemon, image, restart), `call ${at}, ${methods[at]}`).toEqual([])
      await expectOnly(daemon, image)
      await emptied(daemon)
    }
  })

  it('gives its lease back to a daemon that is killed just then', async () => {
    let comeback: Promise<void> | undefined
    const errors = await importInto(daemon, image, async (_, method) => {
      if (comeback !== undefined || !method.endsWith('Leases/Delete')) return
      await daemon.kill()
      comeback = sleep(300).then(() => daemon.restart())
    })
    await comeback
    expect(errors).toEqual([])
    await expectOnly(daemon, image)
  })

  it('that fails leaves the earlier image and nothing of its own, at whichever call', async () => {
    const earlier = await testImage(['linux/amd64'])
    let isOver = false
    for (let at = 0; !isOver; at += 1) {
      expect(await importInto(daemon, earlier)).toEqual([])
      isOver = true
      let method = ''
      const errors = await importInto(daemon, image, async (call, called) => {
        // The last calls give the lease back: the import is done.
        if (call !== at || /Leases.(Delete|List)/.test(called)) return
        isOver = false
        method = called
        // Between its record and the end nothing but the lease holds what is to be put back.
        await daemon.collect()
        throw new Error('refused by the test')
      })
      if (isOver) break
      expect(errors, `call ${at}, ${method}`).toMatchObject([
        { message: expect.stringContaining('refused by the test') },
      ])
      expect(await daemon.leases(), `call ${at}, ${method}`).toEqual([])
      expect(await daemon.ingests(), `call ${at}, ${method}`).toEqual([])
      await expectOnly(daemon, earlier)
    }
  })

  it.each(['another image', 'the same image'])(
    'that fails leaves a record alone that somebody else has written meanwhile: %s',
    async which => {
      const others = which === 'the same image' ? image : await testImage(['linux/amd64'])
      const errors = await importInto(daemon, image, async (_, method) => {
        if (!method.endsWith('Content/Read')) return
        // By now the record is written.
        expect(await importInto(daemon, others)).toEqual([])
        throw new Error('refused by the test')
      })
      expect(errors).toMatchObject([{ message: expect.stringContaining('refused by the test') }])
      await expectOnly(daemon, others)
    },
  )
})
