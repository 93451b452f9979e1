import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Descriptor } from '../documents/descriptor.ts'
import { digestOf } from '../documents/digest.ts'
import { blobFromBytes } from './blob.ts'
import { readBlob, verifiedBytes } from './verify.ts'

const descriptorOf = (bytes: Uint8Array, changes: Partial<Descriptor> = {}): Descriptor => ({
  mediaType: 'a/b',
  digest: digestOf(bytes),
  size: bytes.byteLength,
  ...changes,
})

/** What came out before the end, and the error that ended it. */
async function drawn(
  chunks: readonly Uint8Array[],
  descriptor: Descriptor,
): Promise<{ out: Buffer; taken: number; error: unknown }> {
  const out: Uint8Array[] = []
  let taken = 0
  async function* source(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) {
      taken++
      yield chunk
    }
  }
  let error: unknown
  try {
    for await (const chunk of verifiedBytes(source(), descriptor, 'sha256:name')) out.push(chunk)
  } catch (thrown) {
    error = thrown
  }
  return { out: Buffer.concat(out), taken, error }
}

describe('bytes that are verified on their way', () => {
  it('come through unchanged when they are right', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 9 }),
        async chunks => {
          const all = Buffer.concat(chunks)
          for (const algorithm of ['sha256', 'sha512'] as const) {
            const digest = digestOf(all, algorithm)
            const { out, error } = await drawn(chunks, descriptorOf(all, { digest }))
            expect(error).toBeUndefined()
            expect(out).toEqual(all)
          }
        },
      ),
    )
  })

  const chunks = ['one', 'two', 'three'].map(text => Buffer.from(text))
  const all = Buffer.concat(chunks)

  it('end before their last chunk when the digest is another', async () => {
    const { out, error } = await drawn(chunks, descriptorOf(all, { digest: digestOf('other') }))
    expect(out.toString()).toBe('onetwo')
    expect(error).toMatchObject({ code: 'BLOB_CORRUPT' })
    expect(String(error)).toContain(`blob sha256:name has the digest ${digestOf(all)}`)
  })

  it('end before their last chunk when they are too few', async () => {
    const { out, error } = await drawn(chunks, descriptorOf(all, { size: 12 }))
    expect(out.toString()).toBe('onetwo')
    expect(String(error)).toContain('has 11 bytes, not 12')
  })

  it('end at once when they are too many, without drawing the rest', async () => {
    const { out, taken, error } = await drawn(chunks, descriptorOf(all, { size: 5 }))
    expect(out.toString()).toBe('')
    expect(taken).toBe(2)
    expect(String(error)).toContain('is longer than its 5 bytes')
  })

  it('show nothing of a small blob that lies', async () => {
    const { out, error } = await drawn([all], descriptorOf(all, { digest: digestOf('other') }))
    expect(out).toHaveLength(0)
    expect(error).toMatchObject({ code: 'BLOB_CORRUPT' })
  })

  it('are refused when there are none but should be, and the other way round', async () => {
    expect((await drawn([], descriptorOf(all))).error).toMatchObject({ code: 'BLOB_CORRUPT' })
    expect((await drawn([all], descriptorOf(Buffer.alloc(0)))).error).toMatchObject({
      code: 'BLOB_CORRUPT',
    })
  })
})

describe('reading a small blob', () => {
  it('gives its bytes', async () => {
    expect(Buffer.from(await readBlob(blobFromBytes(Buffer.from('text'), 'a/b'))).toString()).toBe(
      'text',
    )
  })

  it('refuses one that is too large before it is opened', async () => {
    const blob = {
      descriptor: { mediaType: 'a/b', digest: digestOf('x'), size: 11 },
      open(): Readable {
        throw new Error('opened')
      },
    }
    await expect(readBlob(blob, { maxBytes: 10 })).rejects.toMatchObject({ code: 'BLOB_TOO_LARGE' })
    await expect(
      readBlob({ ...blob, descriptor: { ...blob.descriptor, size: 2 ** 40 } }),
    ).rejects.toMatchObject({ code: 'BLOB_TOO_LARGE' })
  })

  it('passes the error of its source on', async () => {
    const failing = { ...blobFromBytes(Buffer.from('x'), 'a/b'), open: () => broken() }
    await expect(readBlob(failing)).rejects.toThrow('connection lost')
  })
})

function broken(): Readable {
  return new Readable({
    read() {
      this.destroy(new Error('connection lost'))
    },
  })
}
