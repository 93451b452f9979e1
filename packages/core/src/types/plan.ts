import type { Annotations, Compression, Digest } from '@orch/oci'

/** What is to be built and where it goes: plain data that can be printed. */
export interface Plan {
  /** The project folder: relative paths in the plan start here. */
  readonly root: string
  /** The project file, when there is one. */
  readonly file?: string
  readonly images: readonly ImagePlan[]
  readonly exports: readonly ExportPlan[]
  /** The digests to which `orch.lock` holds bases, by base as the images name it. */
  readonly locks?: Readonly<Record<string, Digest>>
}

/** One image of the plan. */
export interface ImagePlan {
  readonly name: string
  /** The builder, and its options as its schema left them. */
  readonly build: { readonly builder: string; readonly options: unknown }
  /** What it is built on; undefined to start from nothing (`scratch`). */
  readonly base?: string | PlatformBases
  /** As asked for: platforms, `all` (of the base), `local` (this machine's architecture). */
  readonly platforms: readonly string[]
  /** References under which it is exported; never empty. */
  readonly tags: readonly string[]
  /** What the project file says of the container's start; wins over builder and base. */
  readonly config: ConfigPlan
  readonly labels: Readonly<Record<string, string>>
  /** Put on the index and on every manifest. */
  readonly annotations: Annotations
  readonly compression: Compression
  /** Keys that plugins have added to images (`files`), by key, as their schemas left them. */
  readonly extensions: Readonly<Record<string, unknown>>
}

/**
 * Source references by platform (`linux/arm64`, normalised), and under `default` for every platform that
 * none of the others serves; `scratch` is no base.
 */
export type PlatformBases = Readonly<Record<string, string>>

export interface ConfigPlan {
  readonly entrypoint?: readonly string[]
  readonly cmd?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly user?: string
  readonly workdir?: string
}

/**
 * One exporter with its options. `Project.toPlan` and `planDestinations` make checked ones; nothing checks
 * them again, so that one made by hand with a wrong or misspelt option fails in its exporter, or is taken
 * without that option.
 */
export interface ExportPlan {
  readonly exporter: string
  /** As the exporter's schema left them: not text, but lists, flags and numbers, with every default. */
  readonly options: unknown
  /** The names in this medium, instead of the image's own: the exporter finds them in `image.references`. */
  readonly references?: readonly string[]
}
