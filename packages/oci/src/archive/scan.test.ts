import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readRange, scanArchive } from './scan.ts'

let folder = ''
/** What lies in `files`: sizes around blocks and reads, names short and long. */
const sizes = [0, 1, 511, 512, 513, 32_256, 32_767, 32_768, 32_769, 100_000]
const contents = new Map<string, Buffer>()
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orch-scan-'))
  for (const [at, size] of sizes.entries()) {
    for (const name of [`${at}`, `${'d'.repeat(90)}/${'e'.repeat(120)}/${at}`]) {
      const path = join(folder, 'files', name)
      await mkdir(join(path, '..'), { recursive: true })
      const bytes = Buffer.alloc(size, `${name.length} ${at}`)
      await writeFile(path, bytes)
      contents.set(name, bytes)
    }
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function tar(name: string, ...args: readonly string[]): string {
  const path = join(folder, name)
  execFileSync('tar', ['-cf', path, ...args])
  return path
}

describe('scanArchive', () => {
  it.each(['gnu', 'pax'])('finds where every file of a %s tar lies', async format => {
    const path = tar(`${format}.tar`, `--format=${format}`, '-C', join(folder, 'files'), '.')
    const members = await scanArchive(path)
    expect(members.size).toBe(contents.size)
    for (const [name, bytes] of contents) {
      const member = members.get(name)
      if (member === undefined) throw new Error(`no ${name}`)
      expect((await buffer(readRange(path, member))).equals(bytes), name).toBe(true)
    }
  })

  it('reads headers, not content', async () => {
    const size = 128 * 1024 ** 3
    const large = join(folder, 'large')
    await writeFile(large, '')
    await truncate(large, size)
    // The header of a large file, then a hole instead of its content: an archive that takes no space.
    const path = join(folder, 'large.tar')
    const header = execFileSync('sh', ['-c', `tar -cf - -C ${folder} large | head -c 512`])
    await writeFile(path, header)
    await truncate(path, 512 + size)
    const small = await readFile(tar('small.tar', '-C', join(folder, 'files'), '5'))
    const file = await open(path, 'a')
    await file.write(small).finally(() => file.close())
    const began = performance.now()
    const members = await scanArchive(path)
    // Reading all that takes above ten seconds on any machine.
    expect(performance.now() - began).toBeLessThan(5000)
    expect(members.get('large')).toEqual({ offset: 512, size })
    expect(members.get('5')?.offset).toBe(1024 + size)
  })

  it.each([
    ['in the content of the last entry', 1600, 'the entry "4", which is cut short'],
    ['in its padding', 512 * 3 + 513, 'the entry "4", which is cut short'],
    ['in a header', 512 * 2 + 100, 'ends within an entry'],
  ])('refuses a tar that is cut %s', async (_, length, message) => {
    const path = tar('cut.tar', '-C', join(folder, 'files'), '3', '4')
    await truncate(path, length)
    await expect(scanArchive(path)).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining(message),
    })
  })

  it('refuses what is no tar, and ends when it is told to', async () => {
    const path = join(folder, 'noise')
    await writeFile(path, Buffer.alloc(100_000, 'noise'))
    await expect(scanArchive(path)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' })
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(scanArchive(path, { signal })).rejects.toThrow('enough')
  })
})
