import type { Event } from '@orch/core'
import type { ImageSource } from '@orch/oci'
import { expect, it } from 'vitest'
import { type TestImage, testImage } from '../../../../packages/oci/src/graph/test-image.ts'
import type { Engine, LoadMessage } from '../engine/types.ts'
import { fakeEngine, requestOf } from './fake-engine.ts'
import type { Request } from './request.ts'
import { type Sending, send } from './send.ts'

/** One archive as an engine got it. */
interface Heard {
  readonly bytes: number
  /** What it was told of its length. */
  readonly length: number | undefined
}

/** An engine that says these messages once it has read an archive. */
function engineSaying(...messages: readonly LoadMessage[]): { engine: Engine; heard: Heard[] } {
  const heard: Heard[] = []
  const engine: Engine = {
    ...fakeEngine('graph-driver', () => {}),
    async load(archive, { length, onMessage }) {
      let bytes = 0
      for await (const chunk of archive) bytes += chunk.byteLength
      heard.push({ bytes, length })
      for (const message of messages) onMessage(message)
    },
  }
  return { engine, heard }
}

/** Sends all of an image, but for what `more` says. */
async function sendAll(
  request: Request,
  image: TestImage,
  more: Partial<Sending> = {},
): Promise<{ readonly blobs: number; readonly bytes: number }> {
  const source: ImageSource = image
  const parts = { images: [{ source, names: [] }], blobs: [...image.blobs.values()] }
  return await send(request, { ...parts, ...more }, image.root.digest)
}

it('tells how far an archive is, from nothing to all, and then what is unpacked', async () => {
  const image = await testImage()
  const { engine } = engineSaying(
    { kind: 'progress', id: '0123456789ab', current: 1, total: 3 },
    { kind: 'progress', id: '0123456789ab', current: 3, total: 3 },
  )
  const { request } = await requestOf(engine, image)
  const told: Event[] = []
  const events = { emit: (event: Event) => void told.push(event) }
  const context = { ...request.context, events } as unknown as Request['context']
  const { bytes: total } = await sendAll({ ...request, context }, image)

  const places = { image: 'x', exporter: 'docker', place: engine.where }
  const step = (what: string, current: number, of: number): object => {
    return { type: 'progress', ...places, what, current, total: of }
  }
  expect(told[0]).toEqual(step(image.root.digest, 0, total))
  expect(told.slice(-3)).toEqual([
    step(image.root.digest, total, total),
    step('unpacking 0123456789ab', 1, 3),
    step('unpacking 0123456789ab', 3, 3),
  ])
})

it('tells an engine how long an archive is, to the byte', async () => {
  const image = await testImage()
  const { engine, heard } = engineSaying()
  const { request } = await requestOf(engine, image)
  await sendAll(request, image)
  const [{ bytes, length } = expect.fail('nothing was sent')] = heard
  expect(bytes).toBeGreaterThan(1024)
  expect(length).toBe(bytes)
})

it('tells it no length while others may still bring a part', async () => {
  const image = await testImage()
  const [first, ...rest] = image.blobs.values()
  if (first === undefined) expect.fail('an image without blobs')
  const { engine, heard } = engineSaying()
  const { request } = await requestOf(engine, image)
  await sendAll(request, image, { blobs: rest, last: async () => [first] })
  expect(heard).toEqual([{ bytes: expect.any(Number), length: undefined }])
})
