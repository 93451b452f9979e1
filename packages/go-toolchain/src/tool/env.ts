import { stat } from 'node:fs/promises'
import { OrchError, UsageError } from '@orch/oci'
import { type RunContext, run } from './process.ts'

/** What `go env -json` says in a module's folder: every variable by name, `''` when it is unset. */
export type GoEnv = Readonly<Record<string, string>>

/**
 * Reads the go command's settings in a folder, as the operator has them.
 * Throws `GO_MISSING`, `GO_DIR_MISSING`, `GO_MODULE_MISSING`, `GO_ENV_FAILED`.
 */
export async function readGoEnv(dir: string, context: RunContext): Promise<GoEnv> {
  const found = await stat(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
  if (found?.isDirectory() !== true) {
    throw new UsageError('GO_DIR_MISSING', `${dir} is not a folder`, {
      hint: 'Set `dir` of the build to the folder of the Go module, relative to the project folder.',
    })
  }
  const env: GoEnv = JSON.parse(await goOutput(['env', '-json'], dir, context))
  if (!isModule(env['GOMOD']) && !isModule(env['GOWORK'])) {
    throw new UsageError('GO_MODULE_MISSING', `${dir} is in no Go module`, {
      hint: 'Run `go mod init` there, or set `dir` of the build to the folder that holds go.mod.',
    })
  }
  return env
}

/** Whether GOMOD or GOWORK names a file: outside of modules it is empty, `off` or the null device. */
export function isModule(path: string | undefined): path is string {
  return path !== undefined && path !== '' && path !== 'off' && !/^(\/dev\/null|NUL)$/.test(path)
}

/** The platforms that this Go builds for, as `os/arch`. Throws `GO_MISSING`, `GO_ENV_FAILED`. */
export async function readGoPlatforms(
  dir: string,
  context: RunContext,
): Promise<readonly string[]> {
  const text = await goOutput(['tool', 'dist', 'list'], dir, context)
  return text.split('\n').filter(line => line !== '')
}

async function goOutput(
  args: readonly string[],
  dir: string,
  context: RunContext,
): Promise<string> {
  const { exitCode, stdout, stderr, missing } = await run('go', args, context, { cwd: dir })
  if (missing) {
    throw new OrchError('GO_MISSING', 'the go command was not found', {
      hint: 'Install Go from go.dev/dl and make sure that `go version` works in this shell.',
    })
  }
  if (exitCode !== 0) {
    throw new OrchError('GO_ENV_FAILED', `go ${args.join(' ')} failed in ${dir}\n${stderr.trim()}`)
  }
  return stdout
}
