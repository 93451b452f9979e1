import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { messageOf, UsageError } from '@orch/oci'

/** The names under which a project file is found. */
export const projectFileNames: readonly string[] = [
  'orch.yaml',
  'orch.yml',
  'orch.config.ts',
  'orch.config.mts',
  'orch.config.js',
  'orch.config.mjs',
]

/**
 * The absolute path of the project file: the one named, else the one in `cwd` or the nearest folder
 * above it. Throws `CONFIG_NOT_FOUND`, and `CONFIG_AMBIGUOUS` when a folder holds two.
 */
export async function findProjectFile(cwd: string, named?: string): Promise<string> {
  if (named !== undefined) {
    const file = resolve(cwd, named)
    if (await isFile(file)) return file
    throw new UsageError('CONFIG_NOT_FOUND', `${named} is not a file`, {
      hint: 'Give the path of a project file after -f.',
    })
  }
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const [file, other] = await candidates(folder)
    if (file !== undefined && other !== undefined) {
      throw new UsageError(
        'CONFIG_AMBIGUOUS',
        `${folder} holds two project files: ${basename(file)} and ${basename(other)}`,
        { hint: `Remove one, or choose with -f ${basename(file)}.` },
      )
    }
    if (file !== undefined) return file
    if (folder === dirname(folder)) break
  }
  throw new UsageError(
    'CONFIG_NOT_FOUND',
    `no orch.yaml or orch.config.ts in ${resolve(cwd)} or a folder above it`,
    { hint: 'Make one with: orch init' },
  )
}

async function candidates(folder: string): Promise<string[]> {
  let present: Set<string>
  try {
    present = new Set(await readdir(folder))
  } catch (cause) {
    // A folder above that may not be listed does not hide what lies below or above it.
    if (['EACCES', 'EPERM'].includes(codeOf(cause))) return []
    throw new UsageError('CONFIG_NOT_FOUND', `${folder} cannot be read: ${messageOf(cause)}`, {
      cause,
    })
  }
  const found: string[] = []
  for (const name of projectFileNames) {
    if (present.has(name) && (await isFile(join(folder, name)))) found.push(join(folder, name))
  }
  return found
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(cause))) return false
    throw new UsageError('CONFIG_NOT_FOUND', `${path} cannot be read: ${messageOf(cause)}`, {
      cause,
    })
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
