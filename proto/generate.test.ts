import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { containerd, describe } from './generate.ts'

it('containerd.json is what the .proto files say', async () => {
  expect(
    await readFile(containerd.json, 'utf8'),
    'run `node proto/generate.ts` and commit what it writes',
  ).toBe(await describe(containerd.folder))
})
