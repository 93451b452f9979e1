import { statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { needs } from './services.ts'
import { smallDisk } from './tmpfs.ts'

needs('mounts')('a small disk', () => {
  it('is a file system of its own that is full soon', async () => {
    const disk = await smallDisk(64 * 1024)
    expect(statSync(disk).dev).not.toBe(statSync(dirname(disk)).dev)
    await writeFile(join(disk, 'fits'), Buffer.alloc(16 * 1024))
    await expect(writeFile(join(disk, 'no'), Buffer.alloc(128 * 1024))).rejects.toThrow('ENOSPC')
  })
})
