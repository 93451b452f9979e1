import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd } from './cleanup.ts'

/** An empty folder of its own, by its real path, removed at the end of the test file. */
export async function tempFolder(name = 'test'): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), `orch-${name}-`)))
  atEnd(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}
