import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type ImageSource, UsageError } from '@orch/oci'
import type { Hooks } from './hooks.ts'
import type { SourceRef } from './types/build.ts'
import type { BuildContext, ImageContext } from './types/context.ts'

/**
 * Reads a source reference: `scheme:rest` or `scheme://rest` for a scheme that a plugin opens, the
 * scheme alone (`static`), and anything else as an image reference of the scheme `docker`.
 */
function parseSourceRef(text: string, schemes: ReadonlySet<string>): SourceRef {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9-]*)(?::(?:\/\/)?(.*))?$/s.exec(text) ?? []
  return schemes.has(scheme)
    ? { scheme, rest, text }
    : { scheme: 'docker', rest: text.replace(/^docker:\/\//, ''), text }
}

/** The sources of one build: each is opened once, and all are closed together. */
export class Sources {
  readonly #hooks: Hooks
  readonly #schemes: ReadonlySet<string>
  readonly #asked = new Map<string, Promise<ImageSource>>()
  readonly #opened = new Set<ImageSource>()

  constructor(hooks: Hooks, schemes: ReadonlySet<string>) {
    this.#hooks = hooks
    this.#schemes = schemes
  }

  /** Throws `SOURCE_UNKNOWN` when no plugin opens the reference, and what the plugin that does throws. */
  open(text: string, context: BuildContext, whole = false): Promise<ImageSource> {
    const key = `${whole} ${text}`
    const asked = this.#asked.get(key) ?? this.#ask(text, context, whole)
    this.#asked.set(key, asked)
    asked.catch(() => this.#asked.delete(key)) // who asks again may be luckier
    return asked
  }

  /** Takes over a source that was opened elsewhere: it is closed with the others. */
  adopt(source: ImageSource): void {
    this.#opened.add(source)
  }

  async #ask(text: string, context: BuildContext, whole: boolean): Promise<ImageSource> {
    const ref = { ...parseSourceRef(text, this.#schemes), whole }
    const source = await this.#hooks.source.promise(ref, context)
    if (source !== undefined) {
      this.#opened.add(source)
      return source
    }
    const of = 'image' in context ? `image ${(context as ImageContext).image.name}: ` : ''
    throw new UsageError('SOURCE_UNKNOWN', `${of}nothing here opens ${JSON.stringify(text)}`, {
      hint: existsSync(resolve(context.plan.root, text))
        ? `To name the file or folder, write oci:${text} or oci-archive:${text}.`
        : `Sources are ${[...this.#schemes].sort().join(', ')}, most with a colon and a path: oci:dist/oci.`,
    })
  }

  /** Closes every source, and then throws the first failure. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#asked.values())
    const sources = [...this.#opened]
    this.#opened.clear()
    this.#asked.clear()
    const closed = await Promise.allSettled(sources.map(async source => source.close?.()))
    for (const outcome of closed) if (outcome.status === 'rejected') throw outcome.reason
  }
}
