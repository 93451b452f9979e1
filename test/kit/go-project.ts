import { execFileSync } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './exec.ts'
import { tempFolder } from './temp.ts'
import { failureOf } from './try.ts'

/** A real project with three commands: ./cmd/regctl, ./cmd/regsync and ./cmd/regbot. */
export const regclient = 'github.com/regclient/regclient@v0.11.7'

/** Fetches a Go module (`path@version`) from the module proxy and gives a writable copy of its source. */
export async function goProject(module: string = regclient): Promise<string> {
  const folder = join(await tempFolder('go-project'), 'source')
  await cp(download(module), folder, { recursive: true })
  // The module cache is read-only, and so are copies of it.
  await run('chmod', ['-R', 'u+w', folder])
  return folder
}

/** Why the module cannot be had, or `undefined` when it can. */
export function whyNotFetched(module: string): string | undefined {
  const failure = failureOf('go', ['mod', 'download', module])
  return failure === undefined ? undefined : `${module} cannot be fetched`
}

function download(module: string): string {
  const args = ['mod', 'download', '-json', module]
  const { Dir }: { Dir?: string } = JSON.parse(
    execFileSync('go', args, { cwd: tmpdir(), encoding: 'utf8', timeout: 120_000 }),
  )
  if (Dir === undefined) throw new Error(`go mod download ${module} says no folder`)
  return Dir
}
