import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Digest, type ImageSource, UsageError } from '@orch/oci'
import type { Hooks } from './hooks.ts'
import { pinOf } from './pin.ts'
import { isMovable, parseSourceRef } from './source-ref.ts'
import type { SourceRef } from './types/build.ts'
import type { BuildContext, ImageContext } from './types/context.ts'

/** What a source is opened for. */
export interface SourceUse {
  /** Every image of the medium is wanted. */
  readonly whole?: boolean
  /** It is a base: pinned by `orch.lock`, and kept in the store. */
  readonly base?: boolean
}

/** The sources of one build: each is opened once, and all are closed together. */
export class Sources {
  readonly #hooks: Hooks
  readonly #schemes: ReadonlySet<string>
  readonly #asked = new Map<string, Promise<ImageSource>>()
  readonly #opened = new Set<ImageSource>()
  readonly #found: Map<string, Digest> | undefined

  /**
   * @param found where to note the digests of bases that only their registries could tell; with it, they
   * are opened by these digests, as a later build without the network opens them
   */
  constructor(hooks: Hooks, schemes: ReadonlySet<string>, found?: Map<string, Digest>) {
    this.#hooks = hooks
    this.#schemes = schemes
    this.#found = found
  }

  /** Reads a source reference by the schemes that the plugins open. */
  parse(text: string): SourceRef {
    return parseSourceRef(text, this.#schemes)
  }

  /**
   * Throws `SOURCE_UNKNOWN` when no plugin opens the reference, `OFFLINE` for a base in a registry of
   * which nothing here says the digest, and what the plugin that opens it throws.
   */
  open(text: string, context: BuildContext, use: SourceUse = {}): Promise<ImageSource> {
    const { whole = false, base = false } = use
    const key = `${whole} ${base} ${text}`
    const asked = this.#asked.get(key) ?? this.#ask(text, context, { whole, base })
    this.#asked.set(key, asked)
    asked.catch(() => this.#asked.delete(key)) // who asks again may be luckier
    return asked
  }

  /** Takes over a source that was opened elsewhere: it is closed with the others. */
  adopt(source: ImageSource): void {
    this.#opened.add(source)
  }

  async #ask(
    text: string,
    context: BuildContext,
    { whole, base }: Required<SourceUse>,
  ): Promise<ImageSource> {
    const ref = this.parse(text)
    const pin = base ? ((await pinOf(ref, context)) ?? (await this.#find(ref, context))) : undefined
    const source = await this.#hooks.source.promise(
      {
        ...ref,
        whole,
        ...(base ? { keep: true } : {}),
        ...(pin === undefined ? {} : { digest: pin }),
      },
      context,
    )
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

  async #find(ref: SourceRef, context: BuildContext): Promise<Digest | undefined> {
    if (this.#found === undefined || !isMovable(ref)) return undefined
    const { digest } = (await this.open(ref.text, context)).root
    this.#found.set(ref.text, digest)
    return digest
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
