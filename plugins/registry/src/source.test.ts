import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BuildContext } from '@orch/core'
import { expect, it, onTestFinished } from 'vitest'
import { Pool } from './pool.ts'
import { openImage } from './source.ts'

it('a word that names a file is told how files are named, when it is no image in a registry', async () => {
  const root = await mkdtemp(join(tmpdir(), 'orch-source-'))
  onTestFinished(() => rm(root, { recursive: true }))
  await writeFile(join(root, 'b.tar'), '')
  await writeFile(join(root, 'image'), '')
  const signal = new AbortController().signal
  const events = { emit() {} }
  const context = {
    plan: { root },
    env: {},
    offline: true,
    signal,
    events,
  } as unknown as BuildContext
  const failed = async (text: string): Promise<unknown> => {
    const pool = new Pool()
    const rest = text.replace('docker://', '')
    const opened = openImage({ scheme: 'docker', rest, text }, pool, context)
    return opened.catch(error => error).finally(() => pool.close())
  }
  expect(await failed('b.tar')).toMatchObject({
    name: 'UsageError',
    code: 'REFERENCE_INVALID',
    hint: expect.stringMatching(/oci-archive:b\.tar.*\n.*host\/repository/),
  })
  expect(await failed('image')).toMatchObject({
    name: 'OrchError',
    code: 'OFFLINE',
    hint: expect.stringContaining('oci-archive:image'),
  })
  for (const text of ['docker://b.tar', 'other'])
    expect(await failed(text)).toMatchObject({ hint: expect.not.stringContaining('archive') })
})
