import { type ImageSource, UsageError } from '@orch/oci'
import type { Hooks } from './hooks.ts'
import type { SourceRef } from './types/build.ts'
import type { BuildContext } from './types/context.ts'

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

/** Opens each source once for a build, and closes them all at its end. */
export class Sources {
  readonly #hooks: Hooks
  readonly #schemes: ReadonlySet<string>
  readonly #open = new Map<string, Promise<ImageSource>>()

  constructor(hooks: Hooks, schemes: ReadonlySet<string>) {
    this.#hooks = hooks
    this.#schemes = schemes
  }

  /** Throws `SOURCE_UNKNOWN` when no plugin opens the reference, and what the plugin that does throws. */
  open(text: string, context: BuildContext, whole = false): Promise<ImageSource> {
    const key = `${whole} ${text}`
    const found = this.#open.get(key) ?? this.#ask(text, context, whole)
    this.#open.set(key, found)
    return found
  }

  async #ask(text: string, context: BuildContext, whole: boolean): Promise<ImageSource> {
    const ref = { ...parseSourceRef(text, this.#schemes), whole }
    const source = (await this.#hooks.source.promise(ref, context)) as ImageSource | undefined
    if (source !== undefined) return source
    throw new UsageError('SOURCE_UNKNOWN', `nothing here opens ${JSON.stringify(text)}`, {
      hint: `Sources begin with ${[...this.#schemes]
        .sort()
        .map(scheme => `${scheme}:`)
        .join(', ')}.`,
    })
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#open.values())
    this.#open.clear()
    for (const source of opened) if (source.status === 'fulfilled') await source.value.close?.()
  }
}
