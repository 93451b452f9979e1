import { chmod, cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exec, type Outcome } from '../kit/exec.ts'
import { tempFolder } from '../kit/temp.ts'

/** A folder with the program and a layout `oci`, in which a user without rights can run it. */
export async function anotherUser(
  layout: string,
): Promise<(args: readonly string[], env?: Record<string, string>) => Promise<Outcome>> {
  const folder = await tempFolder('program')
  const bundle = fileURLToPath(new URL('../../packages/cli', import.meta.url))
  for (const part of ['bin', 'dist', 'package.json'])
    await cp(join(bundle, part), join(folder, part), { recursive: true })
  await cp(layout, join(folder, 'oci'), { recursive: true })
  await mkdir(join(folder, 'cache'))
  await chmod(join(folder, 'cache'), 0o777)
  await chmod(folder, 0o755)
  const user = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath]
  return (args, env = {}) =>
    exec('setpriv', [...user, 'bin/orch.cjs', ...args], {
      cwd: folder,
      env: { ORCH_CACHE_DIR: join(folder, 'cache'), HOME: folder, ...env },
    })
}
