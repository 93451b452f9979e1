import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import tar from 'tar-stream'
import { describe, expect, it } from 'vitest'
import { type Blob, blobFromBytes } from '../blob/blob.ts'
import { type Digest, digestOf } from '../documents/digest.ts'
import { type Entry, normalizeEntries } from './entry.ts'
import { tarBytes } from './pack.ts'

const file = (path: string, text: string, more: Partial<Entry> = {}): Entry =>
  ({ type: 'file', path, content: blobFromBytes(Buffer.from(text), 'x/y'), ...more }) as Entry
const pack = (entries: readonly Entry[], mtime = 0): Promise<Buffer> =>
  buffer(Readable.from(tarBytes(entries, { mtime })))
const nameOf = (length: number): string => `${'abcdefghi/'.repeat(30).slice(0, length - 1)}x`

describe('the bytes of a tar', () => {
  it('do not depend on the order of the entries', async () => {
    const entries = [
      { type: 'directory', path: 'a' } as const,
      file('a/\u00fc', 'x'),
      file(nameOf(280), 'y'.repeat(512)),
      file('b', 'z', { pax: { one: '1', two: '2' } }),
      { type: 'symlink', path: 'c', target: 'b' } as const,
    ]
    const expected = await pack(normalizeEntries(entries))
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(entries, { minLength: 5 }), async shuffled => {
        expect((await pack(normalizeEntries(shuffled))).equals(expected)).toBe(true)
      }),
      { numRuns: 30 },
    )
    const swapped = file('b', 'z', { pax: { two: '2', one: '1' } })
    const other = entries.map(entry => (entry.path === 'b' ? swapped : entry))
    expect((await pack(normalizeEntries(other))).equals(expected)).toBe(true)
  })

  it('stay what they were: a change here changes the digest of every layer', async () => {
    const entries = [
      { type: 'directory', path: 'bin' } as const,
      file('bin/app', 'hello', { mode: 0o755 }),
      file('bin/\u00fc', 'x', { uid: 5_000_000 }),
      { type: 'symlink', path: 'run', target: 'bin/app' } as const,
    ]
    const digest: Digest = digestOf(await pack(entries, 1))
    expect(digest).toBe('sha256:52d560c5f13f34ee7e207698f57aea76c0ae9bf324b85916d36a2402c73ba5a2')
  })

  it('are what tar-stream reads, whatever the entries', async () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 150 })
      .map(text => text.replace(/[\0/.]/g, '_').toWellFormed())
    const entry = fc.record({
      path: fc.array(name, { minLength: 1, maxLength: 3 }).map(parts => parts.join('/')),
      text: fc.string({ maxLength: 600 }),
      mode: fc.nat(0o7777),
      uid: fc.nat(),
      mtime: fc.nat(2 ** 34),
    })
    await fc.assert(
      fc.asyncProperty(entry, async ({ path, text, ...more }) => {
        const content = blobFromBytes(Buffer.from(text), 'x/y')
        const extract = tar.extract()
        const found: unknown[] = []
        extract.on('entry', (header, stream, next) => {
          const { name, mode, size } = header
          const pax = new Map(Object.entries(header.pax ?? {}))
          const uid = Number(pax.get('uid') ?? header.uid)
          const mtime = Number(pax.get('mtime') ?? (header.mtime?.getTime() ?? 0) / 1000)
          found.push({ path: name, mode, uid, size, mtime })
          stream.on('end', next).resume()
        })
        const done = new Promise<void>((resolve, reject) =>
          extract.on('finish', resolve).on('error', reject),
        )
        extract.end(await pack([{ type: 'file', path, content, ...more }]))
        await done
        expect(found).toEqual([{ path, ...more, size: content.descriptor.size }])
      }),
    )
  })
})

describe('a tar that goes wrong', () => {
  /** A blob whose bytes are made up as they are read; `closed` counts the readers that let go. */
  function endless(
    size: number,
    chunk = 64 * 1024,
  ): { content: Blob; state: { opened: number; closed: number; made: number } } {
    const state = { opened: 0, closed: 0, made: 0 }
    const descriptor = { mediaType: 'x/y', digest: digestOf('never'), size }
    const open = (): Readable => {
      state.opened++
      const stream = new Readable({
        read() {
          state.made += chunk
          this.push(Buffer.alloc(chunk))
        },
      })
      return stream.on('close', () => state.closed++)
    }
    return { content: { descriptor, open }, state }
  }
  const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 20))

  it.each([
    ['shorter', 6],
    ['longer', 4],
    ['other bytes', 5],
  ])('ends with BLOB_CORRUPT when a file has become %s', async (_what, size) => {
    const content: Blob = {
      descriptor: { mediaType: 'x/y', digest: digestOf('hello'), size },
      open: () => Readable.from([Buffer.from('HELLO')]),
    }
    await expect(
      pack([file('first', 'x'), { type: 'file', path: 'app', content }]),
    ).rejects.toMatchObject({ code: 'BLOB_CORRUPT', message: expect.stringContaining('blob app ') })
  })

  it('gives the error of a source to whoever reads, with no hang', async () => {
    const content: Blob = {
      ...endless(10).content,
      open: () =>
        new Readable({
          read() {
            this.destroy(new Error('disk gone'))
          },
        }),
    }
    await expect(pack([{ type: 'file', path: 'app', content }, file('z', 'x')])).rejects.toThrow(
      'disk gone',
    )
  })

  it('closes the file that is open when the reader stops, and opens no other', async () => {
    const [one, two] = [endless(2 ** 40), endless(2 ** 40)]
    let seen = 0
    for await (const chunk of tarBytes([
      { type: 'file', path: 'a', content: one.content },
      { type: 'file', path: 'b', content: two.content },
    ])) {
      seen += chunk.byteLength
      if (seen > 1e6) break
    }
    await settled()
    expect([one.state, two.state]).toMatchObject([
      { opened: 1, closed: 1 },
      { opened: 0, closed: 0 },
    ])
  })

  it('draws little more than is asked for', async () => {
    const chunk = 64 * 1024
    const { content, state } = endless(2 ** 40, chunk)
    const bytes = tarBytes([{ type: 'file', path: 'a', content }])
    for (let drawn = 0; drawn < 10; drawn += 1) await bytes.next()
    await settled()
    expect(state.made).toBeLessThan(16 * chunk)
    await bytes.return()
    await settled()
    expect(state.closed).toBe(1)
  })

  it('stops at an abort', async () => {
    const signal = AbortSignal.abort()
    await expect(tarBytes([file('a', 'x')], { signal }).next()).rejects.toMatchObject({
      name: 'AbortError',
    })
  })

  it.each([
    { mtime: -1 },
    { mtime: 1.5 },
    { mtime: Number.NaN },
    { uid: -1 },
    { gid: 2 ** 60 },
    { mode: 0o100_644 },
    { mode: -1 },
  ])('is refused with %j', async numbers => {
    await expect(pack([file('a', 'x', numbers)])).rejects.toMatchObject({
      code: 'LAYER_ENTRY_INVALID',
      message: expect.stringContaining(`layer entry "a" has the ${Object.keys(numbers)[0]}`),
    })
  })
})
