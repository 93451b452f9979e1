import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { digestOf } from '@orch/oci'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { connect } from '../../plugins/containerd/src/client/connect.ts'
import { hasStatus } from '../../plugins/containerd/src/client/errors.ts'
import type { Client } from '../../plugins/containerd/src/client/types.ts'
import { type Containerd, startContainerd } from '../kit/containerd.ts'
import { eachContainerd } from '../kit/services.ts'
import { load, upload } from './uploads.ts'

eachContainerd()('the client of containerd', version => {
  let daemon: Containerd
  const clients: Client[] = []

  beforeAll(async () => {
    daemon = await startContainerd({ version })
  })
  afterEach(() => {
    for (const client of clients.splice(0)) client.close()
  })

  async function open() {
    const { address, namespace } = daemon
    const client = await connect({ address, namespace })
    clients.push(client)
    return client
  }

  it('asks for the version and for plugins', async () => {
    const client = await open()
    expect((await client.version()).version).toMatch(version === '1.6' ? /^1\.6\./ : /^v?2\./)
    const plugins = await client.plugins(['type==io.containerd.snapshotter.v1'])
    expect(plugins.find(({ id }) => id === daemon.snapshotter)).toEqual({
      type: 'io.containerd.snapshotter.v1',
      id: daemon.snapshotter,
      platforms: [expect.objectContaining({ os: 'linux', architecture: expect.any(String) })],
      error: '',
    })
  })

  it('makes, lists and deletes leases', async () => {
    const client = await open()
    await client.leases.create('mine', { 'example.com/a': 'b' })
    expect(await client.leases.list(['id==mine'])).toEqual([
      { id: 'mine', labels: { 'example.com/a': 'b' } },
    ])
    const blob = load(100)
    await upload(client, blob, 'mine')
    const [held] = await client.leases.resources('mine')
    expect(held).toEqual({ id: blob.digest, type: 'content' })
    await client.leases.create('other', {})
    await client.leases.add('other', { id: blob.digest, type: 'content' })
    await client.leases.delete('mine', { sync: true })
    expect((await client.content.info(blob.digest))?.size).toBe(100)
    await client.leases.delete('other', { sync: true })
    expect(await client.content.info(blob.digest)).toBeUndefined()
    await client.leases.delete('other', { sync: true })
    const lost = client.leases.add('none', { id: 'x', type: 'content' })
    await expect(lost).rejects.toSatisfy(error => hasStatus(error, 'NOT_FOUND'))
  })

  it('knows the namespaces and the labels of its own', async () => {
    const { address } = daemon
    const client = await connect({ address, namespace: 'labelled' })
    clients.push(client)
    expect(await client.namespaces.labels()).toEqual({})
    await daemon.ctr(['namespaces', 'create', 'labelled', 'a=b'])
    expect(await client.namespaces.list()).toContain('labelled')
    expect(await client.namespaces.labels()).toEqual({ a: 'b' })
  })

  it('writes a small blob in one message, and sets one label beside the others', async () => {
    const client = await open()
    await client.leases.create('small', {})
    const { bytes, digest, commit } = load(300)
    const stream = client.content.write({ lease: 'small' })
    const data = [bytes.subarray(0, 1), bytes.subarray(1)]
    await stream.send({ ...commit(), offset: 0, data, labels: { a: '1', b: '2' } })
    await stream.end()
    await client.content.label(digest, { b: '3' })
    await client.content.label(digest, {})
    expect(await client.content.info(digest)).toEqual({
      digest,
      size: 300,
      labels: { a: '1', b: '3' },
    })
    const again = client.content.write({ lease: 'small' })
    await expect(again.send(commit())).rejects.toSatisfy(error =>
      hasStatus(error, 'ALREADY_EXISTS'),
    )
    await again.end()
  })

  it('keeps image records, and changes of one only what it is told', async () => {
    const client = await open()
    const target = { mediaType: 'application/x', digest: digestOf('x'), size: 1 }
    const image = { name: 'example.com/a:1', labels: { a: '1', b: '2' }, target }
    expect(await client.images.get(image.name)).toBeUndefined()
    const made = await client.images.create(image)
    const changed = { ...image, labels: { a: '3' }, target: { ...target, digest: digestOf('y') } }
    await client.images.update(changed, [])
    expect(await client.images.get(image.name)).toEqual({ ...image, writtenAt: made?.writtenAt })
    const written = await client.images.update(changed, ['target', 'labels.a'])
    expect(written?.writtenAt).not.toBe(made?.writtenAt)
    const expected = { ...changed, labels: { a: '3', b: '2' } }
    expect(await client.images.list(['name==example.com/a:1'])).toEqual([
      { ...expected, writtenAt: written?.writtenAt },
    ])
    await client.images.delete(image.name)
    await client.images.delete(image.name)
    expect(await client.images.get(image.name)).toBeUndefined()
  })

  it('unpacks a layer into a snapshot', async () => {
    const client = await open()
    await client.leases.create('layers', {})
    const call = { lease: 'layers' }
    const tar = Buffer.alloc(1024)
    const layer = gzipSync(tar)
    const digest = digestOf(layer)
    const stream = client.content.write(call)
    const base = { ref: 'a-layer', total: layer.length, expected: digest }
    await stream.send({ action: 'commit', ...base, offset: 0, data: [layer] })
    await stream.end()
    const { snapshotter } = daemon
    const labels = { 'example.com/layer': '1' }
    const name = digestOf(tar)
    const key = 'extract-1'
    expect(await client.snapshots.exists(snapshotter, key)).toBe(false)
    const mounts = await client.snapshots.prepare(snapshotter, { key, parent: '', labels }, call)
    expect(mounts).toEqual([expect.objectContaining({ source: expect.stringMatching(/^\//) })])
    const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip'
    const descriptor = { mediaType, digest, size: layer.length }
    expect(await client.diff.apply(descriptor, mounts)).toMatchObject({ digest: digestOf(tar) })
    await client.snapshots.commit(snapshotter, { key, name, labels }, call)
    expect(await client.snapshots.exists(snapshotter, name)).toBe(true)
    await client.snapshots.remove(snapshotter, name)
    await client.snapshots.remove(snapshotter, name)
    expect(await client.snapshots.exists(snapshotter, name)).toBe(false)
  })

  it('hears what happens until the signal aborts', async () => {
    const client = await open()
    const listening = new AbortController()
    const heard = client.events(['topic=="/images/create"'], listening.signal)
    const target = { mediaType: 'application/x', digest: digestOf('x'), size: 1 }
    // The daemon does not say when it listens.
    const created: Promise<unknown>[] = []
    const creating = setInterval(() => {
      const name = `example.com/heard:${randomBytes(4).toString('hex')}`
      created.push(client.images.create({ name, labels: {}, target }))
    }, 50)
    for await (const event of heard) {
      expect(event).toEqual({ namespace: daemon.namespace, topic: '/images/create' })
      clearInterval(creating)
      listening.abort()
    }
    expect(created).not.toEqual([])
    await Promise.all(created)
  })
})
