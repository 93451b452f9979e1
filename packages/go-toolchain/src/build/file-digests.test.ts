import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestOf } from '@orch/oci'
import { expect, it, onTestFinished } from 'vitest'
import { FileDigests } from './file-digests.ts'

it('tells an edit that keeps size and modification time from none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orch-digests-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'file')
  const digests = new FileDigests()
  for (const text of ['one', 'two']) {
    await writeFile(path, text)
    await utimes(path, 1, 1)
    expect(await digests.of(path)).toBe(digestOf(text))
  }
  expect(await digests.of(join(folder, 'none'))).toBeUndefined()
})

it('refuses a pipe instead of waiting for it, and heeds an abort', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orch-digests-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  await expect(new FileDigests().of(path)).rejects.toHaveProperty('code', 'BLOB_CORRUPT')
  const file = join(folder, 'file')
  await writeFile(file, 'text')
  const aborted = AbortSignal.abort(new Error('interrupted'))
  await expect(new FileDigests().of(file, aborted)).rejects.toThrow('interrupted')
})
