import type { BuildContext, Place } from '@orch/core'
import { redactor } from './redact.ts'

/** What is needed to run a program within a build. */
export type RunContext = Pick<BuildContext, 'signal' | 'events' | 'env'>

export interface RunOptions {
  readonly cwd: string
  /** Laid over the environment of the process that builds. */
  readonly env?: Readonly<Record<string, string>>
  /** Where the `process` event belongs. */
  readonly place?: Place
  /** Values that neither the event nor stderr shows. */
  readonly hidden?: readonly string[]
}

export interface RunResult {
  /** -1 when the program was ended by a signal. */
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** The program could not be started because there is none of that name. */
  readonly missing: boolean
}

/** Output beyond this ends the program: `go list -deps` of the largest projects writes some 20 MiB. */
const maxOutput = 256 * 1024 * 1024
const patienceMilliseconds = 3000
const running = new Set<number>()

/**
 * Runs a program with exactly these arguments (no shell) in a process group of its own, waits for
 * its end and emits a `process` event. An abort ends the whole group and throws the signal's reason.
 */
export async function run(
  program: string,
  args: readonly string[],
  context: RunContext,
  { cwd, env = {}, place = {}, hidden = [] }: RunOptions,
): Promise<RunResult> {
  const { signal, events } = context
  // Loaded when it is needed: most commands do without.
  const { execa } = await import('execa')
  signal.throwIfAborted()
  const redact = redactor(hidden)
  const began = performance.now()
  const child = execa(program, args, {
    cwd,
    env: { ...context.env, ...env },
    extendEnv: false,
    detached: process.platform !== 'win32',
    windowsHide: true,
    stdin: 'ignore',
    reject: false,
    stripFinalNewline: false,
    maxBuffer: maxOutput,
  })
  const { pid } = child
  let later: NodeJS.Timeout | undefined
  const stop = () => {
    if (pid === undefined) return
    endGroup(pid, 'SIGTERM')
    later = setTimeout(() => endGroup(pid, 'SIGKILL'), patienceMilliseconds)
  }
  if (pid !== undefined) watch(pid)
  signal.addEventListener('abort', stop, { once: true })
  const result = await child
  signal.removeEventListener('abort', stop)
  clearTimeout(later)
  if (pid !== undefined) running.delete(pid)
  if (pid !== undefined && signal.aborted) endGroup(pid, 'SIGKILL')
  const missing = result.code === 'ENOENT'
  const exitCode = result.exitCode ?? -1
  if (!missing) {
    const milliseconds = Math.round(performance.now() - began)
    const [subcommand, ...rest] = args
    const shown = subcommand === undefined ? [] : [subcommand, ...rest.map(redact)]
    const command = [program, ...shown]
    events.emit({ type: 'process', command, exitCode, milliseconds, ...place })
  }
  signal.throwIfAborted()
  if (result.isMaxBuffer) throw new Error(`${program} wrote more than ${maxOutput} bytes`)
  const { stdout } = result
  const stderr = redact(result.stderr)
  if (exitCode === -1 && !missing) {
    const why =
      result.signal === undefined ? redact(result.shortMessage ?? '') : `ended by ${result.signal}`
    return { exitCode, stdout, stderr: `${stderr}${program}: ${why}\n`, missing }
  }
  return { exitCode, stdout, stderr, missing }
}

/** Programs do not outlive this process, not even when it ends without waiting for them. */
function watch(pid: number): void {
  if (running.size === 0 && !watching) {
    watching = true
    process.once('exit', () => {
      for (const other of running) endGroup(other, 'SIGKILL')
    })
  }
  running.add(pid)
}
let watching = false

function endGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal)
  } catch {
    // The group has ended already.
  }
}
