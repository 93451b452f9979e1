import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { InterceptingCall, type Interceptor } from '@grpc/grpc-js'
import { Digester, digestOf } from '@orch/oci'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { connect } from '../../plugins/containerd/src/client/connect.ts'
import { hasStatus, isLocked } from '../../plugins/containerd/src/client/errors.ts'
import type { Client } from '../../plugins/containerd/src/client/types.ts'
import { type Containerd, startContainerd } from '../kit/containerd.ts'
import { run } from '../kit/exec.ts'
import { eachContainerd } from '../kit/services.ts'
import { smallDisk } from '../kit/tmpfs.ts'
import { load, MiB, send, upload } from './uploads.ts'

/** How long a poll may take, where the machine stalls. */
const patience = { timeout: 60_000, interval: 50 }

/** Stops a process and waits until every thread of it stands still. */
async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  const running = async () => {
    const states: string[] = []
    for (const thread of await readdir(`/proc/${pid}/task`))
      states.push(await readFile(`/proc/${pid}/task/${thread}/status`, 'utf8'))
    return states.filter(state => !/^State:\tT/m.test(state)).length
  }
  await expect.poll(running, patience).toBe(0)
}
eachContainerd()('a connection to containerd', version => {
  let daemon: Containerd
  const clients: Client[] = []

  beforeAll(async () => {
    daemon = await startContainerd({ version })
  })
  afterEach(() => {
    for (const client of clients.splice(0)) client.close()
  })

  async function open(more: { to?: Containerd; interceptors?: Interceptor[] } = {}) {
    const { address, namespace } = more.to ?? daemon
    const { interceptors = [] } = more
    const client = await connect({ address, namespace, interceptors })
    clients.push(client)
    return client
  }

  it('sends a large blob in messages that are on their way together, and reads it from anywhere', async () => {
    const client = await open()
    await client.leases.create('large', {})
    const blob = load(50 * MiB)
    await upload(client, blob, 'large')
    for (const offset of [0, 33 * MiB + 7]) {
      const digester = new Digester()
      for await (const chunk of client.content.read(blob.digest, { offset })) digester.update(chunk)
      expect(digester.digest()).toBe(digestOf(blob.bytes.subarray(offset)))
    }
    const none = client.content.read(digestOf('nothing'))
    await expect(none.toArray()).rejects.toSatisfy(error => hasStatus(error, 'NOT_FOUND'))
  })

  it('reads no faster than its reader, and cancels what nobody reads', async () => {
    let messages = 0
    const ends: number[] = []
    const count: Interceptor = (options, next) =>
      new InterceptingCall(next(options), {
        start: (metadata, _, start) =>
          start(metadata, {
            onReceiveMessage(message, pass) {
              if (options.method_definition.path.endsWith('/Read')) messages++
              pass(message)
            },
            onReceiveStatus(status, pass) {
              if (options.method_definition.path.endsWith('/Read')) ends.push(status.code)
              pass(status)
            },
          }),
      })
    const client = await open({ interceptors: [count] })
    await client.leases.create('slow', {})
    const blob = load(64 * MiB)
    await upload(client, blob, 'slow')
    const stream = client.content.read(blob.digest)
    await once(stream, 'readable')
    await sleep(500)
    expect(messages).toBeGreaterThan(0)
    expect(messages).toBeLessThan(24)
    stream.destroy()
    await expect.poll(() => ends, patience).toEqual([1])
  })

  it('goes on where an upload broke off', async () => {
    const client = await open()
    await client.leases.create('resumed', {})
    const blob = load(20 * MiB)
    const first = client.content.write({ lease: 'resumed' })
    await send(first, blob.writes().slice(0, 2))
    first.cancel()
    await first.end()
    const found = await client.content.status(blob.ref)
    expect(found).toMatchObject({ ref: blob.ref, offset: 8 * MiB, total: 20 * MiB })
    expect(Math.abs(Date.now() - (found?.updatedAt ?? 0))).toBeLessThan(60_000)
    const listed = await client.content.statuses([`ref==${blob.ref}`])
    expect(listed).toMatchObject([{ ref: blob.ref, offset: 8 * MiB, total: 20 * MiB }])

    // The daemon lets go of the ref a moment after the upload was broken off.
    let second = first
    const stat = async () => {
      second = client.content.write({ lease: 'resumed' })
      return await second.send(blob.stat()).then(({ offset }) => offset, String)
    }
    await expect.poll(stat, patience).toBe(8 * MiB)
    await send(second, [...blob.writes(8 * MiB), blob.commit()])
    await second.end()
    expect((await client.content.info(blob.digest))?.size).toBe(20 * MiB)
    expect(await client.content.status(blob.ref)).toBeUndefined()
  })

  it('says that another holds the ref, and gets it when the other lets go', async () => {
    const client = await open()
    const blob = load(1000)
    const first = client.content.write()
    await first.send(blob.stat())
    const second = client.content.write()
    const refused = await second.send(blob.stat()).catch(error => error)
    expect(isLocked(refused), refused).toBe(true)
    await expect(second.send(blob.stat())).rejects.toBe(refused)
    await second.end()
    await first.end()
    const third = client.content.write()
    await third.send(blob.stat())
    await third.end()
    await client.content.abort(blob.ref)
    await client.content.abort(blob.ref)
    expect(await client.content.status(blob.ref)).toBeUndefined()
  })

  it('tells in the words of the daemon why a commit was refused', async () => {
    const client = await open()
    const blob = load(1000)
    const stream = client.content.write()
    const [write] = blob.writes()
    if (write === undefined) throw new Error('nothing to write')
    await stream.send({ ...write, data: [randomBytes(1000)] })
    const refused = await stream.send(blob.commit()).catch(error => error)
    expect(hasStatus(refused, 'FAILED_PRECONDITION'), refused).toBe(true)
    expect(refused).toMatchObject({
      code: 'CONTAINERD_FAILED',
      message: expect.stringMatching(
        `containerd at ${daemon.address} refused Content.Write: .*${blob.digest}`,
      ),
    })
    await stream.end()
    await client.content.abort(blob.ref)
  })

  it('an abort ends what is on its way with its own reason', async () => {
    const client = await open()
    await client.leases.create('aborted', {})
    const blob = load(64 * MiB)
    await upload(client, blob, 'aborted')
    const reason = new Error('enough')
    const aborting = new AbortController()
    const { signal } = aborting
    const fresh = load(64 * MiB)
    const stream = client.content.write({ signal })
    await stream.send(fresh.stat())
    const sends = fresh.writes().map(write => stream.send(write))
    const read = client.content.read(blob.digest, { signal }).toArray()
    const call = client.content.info(blob.digest, { signal })
    aborting.abort(reason)
    await expect(sends.at(-1)).rejects.toBe(reason)
    await expect(read).rejects.toBe(reason)
    await expect(call).rejects.toBe(reason)
    await expect(client.version({ signal })).rejects.toBe(reason)
    expect(() => client.content.write({ signal })).toThrow(reason)
    // The daemon has let go of the ref a moment later.
    await expect
      .poll(async () => {
        const next = client.content.write()
        return await next.send(fresh.stat()).then(
          () => next.end().then(() => 'free'),
          error => String(error),
        )
      }, patience)
      .toBe('free')
    await client.content.abort(fresh.ref)
  })

  it('a daemon that hangs is told from one that is gone', async () => {
    const client = await open()
    const blob = load(1000)
    const stream = client.content.write({ timeout: 5_000 })
    await stream.send(blob.stat())
    await freeze(daemon.pid)
    try {
      const silent = expect.objectContaining({ code: 'CONTAINERD_SILENT' })
      await expect(client.images.list([], { timeout: 500 })).rejects.toEqual(silent)
      await expect(send(stream, blob.writes())).rejects.toEqual(silent)
      await expect(open()).rejects.toEqual(silent)
    } finally {
      process.kill(daemon.pid, 'SIGCONT')
    }
    expect(await client.images.list(['name==none'])).toEqual([])
  })

  it('the disk of a daemon that is full', async () => {
    const full = await startContainerd({ version, root: await smallDisk(24 * MiB) })
    const client = await open({ to: full })
    const blob = load(40 * MiB)
    await client.leases.create('full', {})
    await expect(upload(client, blob, 'full')).rejects.toMatchObject({
      code: 'CONTAINERD_FULL',
      message: expect.stringContaining(full.address),
      hint: expect.any(String),
    })
    await client.content.abort(blob.ref)
    const small = load(1000)
    await upload(client, small, 'full')
    await full.stop()
  })

  it('a daemon that is killed: every call ends at once, and works again when it is back', async () => {
    const dying = await startContainerd({ version })
    const client = await open({ to: dying })
    const blob = load(64 * MiB)
    const stream = client.content.write()
    await stream.send(blob.stat())
    // Nobody awaits these.
    for (const write of blob.writes()) void stream.send(write)
    const waiting = stream.send(blob.commit())
    await Promise.all([
      dying.kill(),
      expect(waiting).rejects.toMatchObject({ code: 'CONTAINERD_LOST' }),
    ])
    await stream.end()
    const begun = Date.now()
    for (const call of [
      client.version(),
      client.images.list([]),
      client.content.read(blob.digest).toArray(),
    ])
      await expect(call).rejects.toMatchObject({ code: 'CONTAINERD_LOST' })
    const late = client.content.write()
    await expect(late.send(blob.stat())).rejects.toMatchObject({ code: 'CONTAINERD_LOST' })
    expect(Date.now() - begun).toBeLessThan(5_000)
    await dying.restart()
    await expect.poll(() => client.version().then(() => 'back', String), patience).toBe('back')
    await dying.stop()
  })

  it('what is on its way when the client is closed ends, and so does what comes after', async () => {
    const client = await open()
    const blob = load(1000)
    const stream = client.content.write()
    await stream.send(blob.stat())
    const calls = [client.version(), stream.send(blob.commit())]
    client.close()
    client.close()
    const closed = expect.objectContaining({
      message: expect.stringContaining('was closed before'),
    })
    for (const call of calls) await expect(call).rejects.toEqual(closed)
    await expect(client.version()).rejects.toEqual(closed)
    await expect(client.content.read(blob.digest).toArray()).rejects.toEqual(closed)
    expect(() => client.content.write()).toThrow(closed)
  })

  it('keeps no process alive once it is closed', async () => {
    const file = fileURLToPath(
      import.meta.resolve('../../plugins/containerd/src/client/connect.ts'),
    )
    const script = `
      const { connect } = await import(${JSON.stringify(file)})
      const [address, namespace] = process.argv.slice(1)
      const client = await connect({ address, namespace })
      await client.images.list([])
      client.close()
      process.on('exit', () => console.log(Math.round(performance.now() - closed)))
      const closed = performance.now()`
    const { address, namespace } = daemon
    const args = ['--input-type=module', '-e', script, address, namespace]
    expect(Number(await run(process.execPath, args))).toBeLessThan(5_000)
  })
})
