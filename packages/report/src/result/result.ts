import type { ExportResult } from '@orch/core'
import type { Descriptor, Platform } from '@orch/oci'

/** What a command that exports images came to. A `BuildResult` is one. */
export interface Result {
  readonly images: readonly ResultImage[]
  /** What went wrong outside of every image. */
  readonly errors: readonly Error[]
  readonly ok: boolean
  readonly milliseconds: number
}

/** What became of one image. */
export interface ResultImage {
  readonly name: string
  /** Absent when there is none to export. */
  readonly image?: {
    readonly references: readonly string[]
    readonly root: Descriptor
    /** One for each platform. */
    readonly manifests: readonly ResultManifest[]
  }
  readonly exports: readonly ExportResult[]
  readonly errors: readonly Error[]
}

/** A manifest of an image, with the platform that it serves. */
export interface ResultManifest {
  readonly platform: Platform
  readonly descriptor: Descriptor
  readonly config: { readonly descriptor: Descriptor }
  readonly layers: readonly unknown[]
}
