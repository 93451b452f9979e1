import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { type Blob, blobFromBytes, mediaTypes } from '@orch/oci'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { MiB, push, stored } from './test-push.ts'
import { type Quirk, testRegistry } from './test-registry.ts'

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0) // no pauses
})

/** A blob from elsewhere, whose byte in the middle is wrong from its second half on, as long as it should be. */
function lyingBlob(size: number): Blob {
  const bytes = randomBytes(size)
  const { descriptor } = blobFromBytes(bytes, mediaTypes.layer)
  const wrong = Buffer.from(bytes)
  wrong.writeUInt8((bytes.readUInt8(size / 2) + 1) % 256, size / 2)
  const open: Blob['open'] = ({ offset = 0 } = {}) =>
    Readable.from(piecesOf(wrong.subarray(offset)), { objectMode: false })
  return { descriptor, open }
}

function* piecesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 64 * 1024) yield bytes.subarray(at, at + 64 * 1024)
}

/** A registry that keeps what it is sent without a look at the digest. */
const credulous: (whole: Buffer[]) => Quirk =
  whole =>
  async ({ method, request, answer }) => {
    if (method !== 'PUT') return false
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    const isWhole = await finished(request).then(
      () => true,
      () => false,
    )
    if (isWhole) whole.push(Buffer.concat(parts))
    if (isWhole) answer(201)
    return true
  }

describe('a blob that comes from elsewhere and is not what its digest says', () => {
  it('is never sent to its end', async () => {
    const whole: Buffer[] = []
    await using registry = await testRegistry(credulous(whole))
    await expect(push(registry, lyingBlob(3 * MiB))).rejects.toMatchObject({ code: 'BLOB_CORRUPT' })
    expect(whole).toEqual([])
  })

  it('is not ended by chunks either', async () => {
    const whole: Buffer[] = []
    await using registry = await testRegistry(credulous(whole), { chunkBytes: MiB })
    await expect(push(registry, lyingBlob(3 * MiB))).rejects.toMatchObject({ code: 'BLOB_CORRUPT' })
    expect(whole).toEqual([])
    expect(registry.log.filter(entry => entry === 'PATCH upload')).toHaveLength(3)
  })

  it('is read again from its beginning when it was sent in parts that do not fit', async () => {
    const blob = lyingBlob(3 * MiB)
    await using registry = await testRegistry(
      ({ method, url, before, request, response, registry }) => {
        if (method !== 'PUT' || before > 0) return false
        // It keeps the first half of what came, all of it right, and loses the connection.
        const id = /uploads\/(\w+)/.exec(url)?.[1] ?? ''
        const parts: Buffer[] = []
        request.on('data', (part: Buffer) => {
          parts.push(part)
          const all = Buffer.concat(parts)
          if (all.length < MiB) return
          registry.uploads.set(id, all.subarray(0, MiB))
          response.destroy()
        })
        return true
      },
    )
    await expect(push(registry, blob)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' })
    expect(stored(registry, blob)).toHaveLength(0)
  })
})
