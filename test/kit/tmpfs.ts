import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd } from './cleanup.ts'
import { run } from './exec.ts'
import { tempFolder } from './temp.ts'
import { failureOf } from './try.ts'
import { which } from './which.ts'

/** Mounts an empty file system of `bytes` (at most) and gives its folder; gone at the end of the test file. */
export async function smallDisk(bytes: number): Promise<string> {
  const folder = await tempFolder('disk')
  await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0755`, 'orch-test', folder])
  atEnd(async () => {
    await run('umount', [folder])
  })
  return folder
}

/** Why file systems cannot be mounted here, or `undefined` when they can. */
export function whyNoMounts(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can mount file systems'
  if (which('mount') === undefined) return 'mount is not installed'
  const folder = mkdtempSync(join(tmpdir(), 'orch-mount-'))
  try {
    const failure = failureOf('mount', ['-t', 'tmpfs', 'orch-test', folder])
    if (failure !== undefined) return `file systems cannot be mounted here: ${failure}`
    return failureOf('umount', [folder])
  } finally {
    rmdirSync(folder)
  }
}
