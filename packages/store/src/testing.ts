import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { Blob, Descriptor } from '@orch/oci'
import { onTestFinished } from 'vitest'
import { openStore, type Store, type StoreOptions } from './index.ts'

/** A new folder that is gone when the test is over. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'orch-store-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A store that is closed when the test is over. */
export async function opened(root: string, options: StoreOptions = {}): Promise<Store> {
  const store = await openStore({ root, ...options })
  onTestFinished(() => store.close())
  return store
}

export const mediaType = 'application/octet-stream'

/** Puts text into a store. */
export function put(store: Store, text: string): Promise<Blob> {
  return store.add(Readable.from([Buffer.from(text)]), mediaType)
}

/** What the store has under a descriptor, as text. */
export async function read(store: Store, descriptor: Descriptor): Promise<string | undefined> {
  const blob = await store.get(descriptor)
  return blob === undefined ? undefined : Buffer.concat(await blob.open().toArray()).toString()
}

/** Every file and folder below a folder, as sorted relative paths. */
export async function filesBelow(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort()
}

/** Another process. */
export interface Child {
  readonly process: ChildProcess
  /** The next line that it prints. */
  line(): Promise<string>
  /** Says that it may go on: its `await told()` returns. */
  tell(): void
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

/** Runs code in a process of its own that has `openStore`, `root`, `told` and `bytes`. */
export function child(root: string, code: string, user?: number): Child {
  const source = `
    import { openStore } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
    import { Readable } from 'node:stream'
    import { once } from 'node:events'
    const root = ${JSON.stringify(root)}
    const told = () => once(process.stdin, 'data')
    const bytes = text => Readable.from([Buffer.from(text)])
    ${code}
    process.exit()`
  const node = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(user === undefined ? {} : { uid: user, gid: user }),
  })
  const lines = createInterface({ input: node.stdout })[Symbol.asyncIterator]()
  onTestFinished(() => {
    node.kill('SIGKILL')
  })
  // One that died early shows by its exit code, which every test looks at.
  node.stdin.on('error', () => {})
  return {
    process: node,
    line: async () => (await lines.next()).value ?? '',
    tell: () => {
      node.stdin.write('\n')
    },
    ended: once(node, 'exit').then(([status, signal]) => status ?? signal),
  }
}
