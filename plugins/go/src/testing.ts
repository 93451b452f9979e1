import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import {
  type CompiledFiles,
  createEvents,
  createHooks,
  createLimits,
  type Event,
  type Hooks,
  type ImagePlan,
  type TargetContext,
} from '@orch/core'
import * as oci from '@orch/oci'
import { openStore, type Store } from '@orch/store'
import { onTestFinished } from 'vitest'
import { go } from './index.ts'

/** A project in a temporary folder, and the go plugin set up for it as a build of orch does. */
export interface Project {
  readonly root: string
  readonly events: Event[]
  write(files: Readonly<Record<string, string>>): Promise<void>
  /** Compiles images for the platforms, all asked for at once. Names are those of the record. */
  compile(
    builds: Readonly<Record<string, object>>,
    settings?: CompileSettings,
  ): Promise<PromiseSettledResult<CompiledFiles>[]>
  /** Runs the resolvePlatforms hook. */
  resolve(build: object, platforms: readonly string[]): Promise<readonly oci.Platform[]>
  /** Runs the fetch hook. */
  fetch(build: object, platforms: readonly string[], settings?: CompileSettings): Promise<void>
  /** The arguments of the go commands that ran since the last call, by subcommand. */
  ran(): { build: string[][]; list: string[][] }
}

export interface CompileSettings {
  readonly platforms?: readonly string[]
  readonly allow?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly baseEnv?: readonly string[]
  readonly signal?: AbortSignal
  /** Milliseconds by which images are asked for later than the others. */
  readonly later?: Readonly<Record<string, number>>
}

/** The platform whose programs this machine runs. */
export const here: string = `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`

/** Makes a project; everything of it goes when the test ends. */
export async function project(files: Readonly<Record<string, string>>): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'orch-go-'))
  const store = await openStore({ root: join(folder, 'cache') })
  onTestFinished(async () => {
    await store.close()
    await rm(folder, { recursive: true, force: true })
  })
  const root = join(folder, 'project')
  const heard: Event[] = []
  const write = async (some: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(some)) {
      await mkdir(dirname(join(root, name)), { recursive: true })
      await writeFile(join(root, name), text)
    }
    // What changed an instant ago counts as changed while it was read, and is read once more.
    await new Promise(resolve => setTimeout(resolve, 30))
  }
  await write(files)
  return {
    root,
    events: heard,
    write,
    compile: (builds, settings = {}) => compileAll(root, store, heard, builds, settings),
    async resolve(build, platforms) {
      const hooks = await freshHooks(root)
      const context = contextOf(root, store, heard, image('app', build), platforms[0] ?? here, {})
      return hooks.resolvePlatforms.promise(platforms.map(oci.parsePlatform), context)
    },
    async fetch(build, platforms, settings = {}) {
      const hooks = await freshHooks(root)
      const context = contextOf(root, store, heard, image('app', build), here, settings)
      await hooks.fetch.promise(platforms.map(oci.parsePlatform), context)
    },
    ran() {
      const commands = heard.flatMap(event => (event.type === 'process' ? [event.command] : []))
      heard.length = 0
      const of = (name: string) =>
        commands
          .filter(command => command[0] === 'go' && command[1] === name)
          .map(item => [...item])
      return { build: of('build'), list: of('list') }
    },
  }
}

async function freshHooks(root: string): Promise<Hooks> {
  const hooks = createHooks()
  await go().setup({ hooks, root, settings: { values: {}, root }, oci })
  return hooks
}

async function compileAll(
  root: string,
  store: Store,
  heard: Event[],
  builds: Readonly<Record<string, object>>,
  settings: CompileSettings,
): Promise<PromiseSettledResult<CompiledFiles>[]> {
  const hooks = await freshHooks(root)
  const calls = Object.entries(builds).flatMap(([name, build]) =>
    (settings.platforms ?? [here]).map(async platform => {
      const wait = settings.later?.[name]
      if (wait !== undefined) await new Promise(resolve => setTimeout(resolve, wait))
      const context = contextOf(root, store, heard, image(name, build), platform, settings)
      const compiled = await hooks.compile.promise(context.target, context)
      if (compiled?.kind !== 'files') throw new Error('the go plugin did not claim the target')
      return compiled
    }),
  )
  return Promise.allSettled(calls)
}

function image(name: string, options: object): ImagePlan {
  return {
    name,
    build: { builder: 'go', options },
    platforms: [],
    tags: [`example.com/${name}`],
    config: {},
    labels: {},
    annotations: {},
    compression: { type: 'gzip' },
    extensions: {},
  }
}

function contextOf(
  root: string,
  store: Store,
  heard: Event[],
  plan: ImagePlan,
  platformText: string,
  { allow = [], env = {}, baseEnv, signal = new AbortController().signal }: CompileSettings,
): TargetContext {
  const events = createEvents()
  events.subscribe(event => heard.push(event))
  const platform = oci.parsePlatform(platformText)
  const digest = oci.digestOf('base')
  const base = {
    ref: 'base',
    name: 'base',
    digest,
    config: {
      ...platform,
      config: { Env: baseEnv ?? [] },
      rootfs: { type: 'layers' as const, diff_ids: [] },
    },
    layers: [],
    annotations: {},
  }
  return {
    plan: { root, images: [plan], exports: [] },
    image: plan,
    target: { image: plan, platform, base: baseEnv === undefined ? undefined : base },
    platform,
    platformName: oci.formatPlatform(platform),
    signal,
    store,
    events,
    limits: createLimits(),
    offline: false,
    allow: new Set(allow),
    env: { ...process.env, GOFLAGS: '', GOENV: 'off', ...env },
    epoch: 0,
    action: (action, run) => store.action(action, run),
    layer: () => Promise.reject(new Error('the go plugin makes no layers')),
  }
}

/** What a settled promise holds; throws its reason. */
export function held<T>(result: PromiseSettledResult<T> | undefined): T {
  if (result?.status === 'fulfilled') return result.value
  throw result?.reason
}

/** Why a settled promise failed. */
export function reason(result: PromiseSettledResult<unknown> | undefined): Error {
  if (result?.status === 'rejected' && result.reason instanceof Error) return result.reason
  throw new Error('it did not fail')
}

/** A file that can be run, a copy of a compiled program: the store keeps files that only hold bytes. */
export async function runnable(compiled: CompiledFiles): Promise<string> {
  const file = compiled.entries.find(entry => entry.type === 'file')
  if (file?.type !== 'file' || file.content.path === undefined) throw new Error('no program')
  const folder = await mkdtemp(join(tmpdir(), 'orch-go-run-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const copy = join(folder, 'program')
  await copyFile(file.content.path, copy)
  await chmod(copy, 0o755)
  return copy
}

/** What a compiled program prints to stderr. */
export async function output(
  result: PromiseSettledResult<CompiledFiles> | undefined,
): Promise<string> {
  const program = await runnable(held(result))
  for (;;) {
    try {
      return (await promisify(execFile)(program)).stderr.trim()
    } catch (error) {
      // A process that another test forks at this instant holds the copy open for writing for a moment.
      if ((error as NodeJS.ErrnoException).code !== 'ETXTBSY') throw error
    }
  }
}
