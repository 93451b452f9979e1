import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { remember } from './said.ts'
import { tempFolder } from './temp.ts'

/** How a program ended. `exitCode` is what a shell would say: 128 + number for one ended by a signal. */
export interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface ExecOptions {
  readonly cwd?: string
  /** Added to this process's environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly input?: string
}

export interface OrchOptions extends ExecOptions {
  /** ORCH_CACHE_DIR; without it, one new cache for all calls of a test file. */
  readonly cache?: string
}

/** A program that still runs. */
export interface Running {
  readonly pid: number
  readonly done: Promise<Outcome>
  /** Sends the signal; whether the program was there to get it. */
  kill(signal: NodeJS.Signals): boolean
}

/** The bundled command line, as users run it. */
const bundle = fileURLToPath(new URL('../../packages/cli/bin/orch.cjs', import.meta.url))

/** What the caller's own terminal or CI must not decide in a test. */
const foreign =
  /^(ORCH_.*|CI|GITHUB_.*|NO_COLOR|FORCE_COLOR|SOURCE_DATE_EPOCH|NODE_OPTIONS|VITEST.*|npm_.*)$/

let ownCache: Promise<string> | undefined

/** Starts a program. Throws when it cannot be started. It is ended with this process at the latest. */
export function start(file: string, args: readonly string[], options: ExecOptions = {}): Running {
  return running([file, ...args], launch(file, args, options))
}

/** Runs a program to its end. A bad exit code is an answer, not an error. */
export async function exec(
  file: string,
  args: readonly string[],
  options: ExecOptions = {},
): Promise<Outcome> {
  return await start(file, args, options).done
}

/** Runs a program that must succeed, and gives what it wrote to stdout. Throws with all it said otherwise. */
export async function run(
  file: string,
  args: readonly string[],
  options: ExecOptions = {},
): Promise<string> {
  const { exitCode, stdout, stderr } = await exec(file, args, options)
  if (exitCode !== 0)
    throw new Error(`${[file, ...args].join(' ')}: exit code ${exitCode}\n${stdout}\n${stderr}`)
  return stdout
}

/** Ends a program properly (SIGTERM), by force after five seconds, and waits for its end. */
export async function end(program: Running): Promise<void> {
  program.kill('SIGTERM')
  const slow = setTimeout(() => program.kill('SIGKILL'), 5_000)
  await program.done
  clearTimeout(slow)
}

/** Starts the orch command line on a cache of its own. The bundle must have been built. */
export async function startOrch(
  args: readonly string[],
  { cache, ...options }: OrchOptions = {},
): Promise<Running> {
  ownCache ??= tempFolder('cache')
  const clean = Object.keys(process.env).filter(name => foreign.test(name))
  const env = {
    ...Object.fromEntries(clean.map(name => [name, undefined])),
    ORCH_CACHE_DIR: cache ?? (await ownCache),
    ...options.env,
  }
  return start(process.execPath, [bundle, ...args], { ...options, env })
}

/** Runs the orch command line to its end. */
export async function orch(args: readonly string[], options: OrchOptions = {}): Promise<Outcome> {
  return await (await startOrch(args, options)).done
}

function launch(file: string, args: readonly string[], options: ExecOptions) {
  const { cwd, env, input = '' } = options
  const settings = { reject: false, stripFinalNewline: false, input } as const
  return execa(file, args, { ...settings, ...(cwd && { cwd }), ...(env && { env }) })
}

function running(command: readonly string[], child: ReturnType<typeof launch>): Running {
  const { pid } = child
  const done = child.then(result => {
    if (result.exitCode === undefined && result.signal === undefined) throw result.cause
    const exitCode = result.exitCode ?? 128 + constants.signals[result.signal ?? 'SIGKILL']
    const outcome = { exitCode, stdout: result.stdout, stderr: result.stderr }
    remember(command, outcome)
    return outcome
  })
  if (pid === undefined) {
    // The reason is thrown here; the promise's own copy of it needs no second reader.
    done.catch(() => {})
    throw new Error(`${command[0]} cannot be started: is it installed?`)
  }
  return { pid, done, kill: signal => child.kill(signal) }
}
