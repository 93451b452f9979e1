import { mkdir, utimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  type Blob,
  canonicalJson,
  type Digest,
  digestOf,
  OrchError,
  writeFileAtomic,
} from '@orch/oci'
import type { Blobs } from './blobs.ts'
import { onDisk } from './files.ts'
import { type Folders, recordPath } from './folders.ts'
import { recordToBytes } from './record.ts'
import { dropRecord, readRecord } from './records.ts'
import type { Session } from './session.ts'
import type { Action, ActionOutcome, ActionResult } from './types.ts'

/** The remembered results of actions. */
export class Actions {
  readonly #folders: Folders
  readonly #session: Session
  readonly #blobs: Blobs
  readonly #running = new Map<Digest, Promise<ActionOutcome>>()

  constructor(folders: Folders, session: Session, blobs: Blobs) {
    this.#folders = folders
    this.#session = session
    this.#blobs = blobs
  }

  /** See `Store.action`. */
  outcome(action: Action, run: () => Promise<ActionResult>): Promise<ActionOutcome> {
    const { kind, inputs } = action
    const key = digestOf(canonicalJson({ kind, inputs }))
    const running = this.#running.get(key)
    // Who joins what another asked for runs nothing itself.
    if (running !== undefined) return running.then(joined => ({ ...joined, hit: true }))
    const outcome = this.#recallOrRun(key, kind, run).finally(() => this.#running.delete(key))
    this.#running.set(key, outcome)
    return outcome
  }

  async #recallOrRun(
    key: Digest,
    kind: string,
    run: () => Promise<ActionResult>,
  ): Promise<ActionOutcome> {
    const remembered = await this.#recall(key)
    if (remembered !== undefined) return { key, hit: true, ...remembered }
    const { blobs, data } = await run()
    const held = await this.#hold(blobs)
    if (held === undefined) {
      throw new OrchError(
        'ACTION_INCOMPLETE',
        `the action ${kind} names a blob that it did not add to the store`,
        { hint: 'This is a mistake in the plugin that ran it.' },
      )
    }
    const path = recordPath(this.#folders, key)
    const temporary = this.#session.temporary()
    await onDisk(path, () => mkdir(dirname(path), { recursive: true, mode: 0o700 }))
    await writeFileAtomic(path, recordToBytes({ key, kind, blobs, data }), { temporary })
    return { key, hit: false, blobs, data, held }
  }

  /** The remembered result with its blobs held. A record that cannot be read is dropped. */
  async #recall(key: Digest): Promise<(ActionResult & { held: readonly Blob[] }) | undefined> {
    const record = await readRecord(this.#folders, key)
    if (record === 'damaged') await dropRecord(this.#folders, key)
    if (record === undefined || record === 'damaged') return undefined
    const { blobs, data } = record
    const held = await this.#hold(blobs)
    if (held === undefined) return undefined
    // The times of a record say when it was last used. Another user's cannot be set: it only ages.
    await utimes(recordPath(this.#folders, key), new Date(), new Date()).catch(() => {})
    return { blobs, data, held }
  }

  async #hold(descriptors: ActionResult['blobs']): Promise<readonly Blob[] | undefined> {
    const held: Blob[] = []
    for (const descriptor of descriptors) {
      const blob = await this.#blobs.get(descriptor)
      if (blob === undefined) return undefined
      held.push(blob)
    }
    return held
  }
}
