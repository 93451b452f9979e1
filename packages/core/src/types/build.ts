import type {
  Annotations,
  Blob,
  Descriptor,
  Digest,
  Entry,
  History,
  ImageConfig,
  ImageIndex,
  ImageSource,
  JsonObject,
  Platform,
  RuntimeConfig,
} from '@orch/oci'
import type { ExportPlan, ImagePlan } from './plan.ts'

/** A reference to images that exist: `oci:dir`, `docker://host/x`, `static`. */
export interface SourceRef {
  /** Such as `oci` or `docker`; a bare reference is `docker`. */
  readonly scheme: string
  /** What follows the scheme. */
  readonly rest: string
  /** As it was written. */
  readonly text: string
  /** The caller takes every image of the medium: without a name, the root may be the medium's own index. */
  readonly whole?: boolean
  /**
   * It is a base: what is fetched of it is put into the store, and taken from there when it is there.
   * With `offline` nothing else counts: what the store lacks is the error `OFFLINE`.
   */
  readonly keep?: true
  /** The root that it must have, whatever the reference names by now: `orch.lock` or `orch fetch` says so. */
  readonly digest?: Digest
}

/** One image for one platform. Targets are built side by side. */
export interface Target {
  readonly image: ImagePlan
  readonly platform: Platform
  /** The base that serves this platform, undefined for `scratch`. */
  readonly base: Base | undefined
}

/** The manifest of the base that serves a target. */
export interface Base {
  /** As the project file names it. */
  readonly ref: string
  /** What `org.opencontainers.image.base.name` says: the whole reference of one in a registry, else `ref`. */
  readonly name: string
  /** The base's root: what `org.opencontainers.image.base.digest` says. */
  readonly digest: Digest
  readonly config: ImageConfig
  readonly layers: readonly Layer[]
  readonly annotations: Annotations
}

/** What a builder makes of a target. */
export type Compiled = CompiledFiles | CompiledImage

/** Files to be laid over the base, and how to start them. */
export interface CompiledFiles {
  readonly kind: 'files'
  readonly entries: readonly Entry[]
  /** Laid over the base's: lists replace, `Env` and `Labels` merge by name. */
  readonly config: RuntimeConfig
  /** One line for the layer's history. */
  readonly createdBy: string
}

/** An image that exists. With nothing added, its manifest stays byte for byte. */
export interface CompiledImage {
  readonly kind: 'image'
  /** A source whose root is the manifest for the target's platform, or an index that has one. */
  readonly source: ImageSource
}

/** A filesystem layer whose bytes can be had. */
export interface Layer {
  readonly descriptor: Descriptor
  readonly diffId: Digest
  readonly blob: Blob
  /** Who put it there: `base`, or a plugin's name. */
  readonly from: string
  readonly history?: History
}

/** A manifest before it is frozen. */
export interface ManifestDraft {
  readonly config: Omit<ImageConfig, 'rootfs' | 'history'>
  readonly annotations: Annotations
}

/** A finished manifest. */
export interface BuiltManifest {
  readonly platform: Platform
  /** With the platform: as it stands in the index. */
  readonly descriptor: Descriptor
  readonly manifest: Blob
  readonly config: Blob
  readonly layers: readonly Layer[]
}

/** An index before it is frozen. */
export interface IndexDraft {
  /** In the order of the plan's platforms; what a plugin adds comes after. */
  readonly manifests: readonly Descriptor[]
  readonly annotations: Annotations
  /** Blobs of manifests that a plugin added, their children included. */
  readonly extra: readonly Blob[]
}

/** An image on its way to a medium: built here, or opened from another medium. */
export interface Image extends ImageSource {
  /** What the project, or whoever sends it, calls it. */
  readonly name: string
  /** References under which it is to be known, as the project file or `--tag` wrote them. */
  readonly references: readonly string[]
}

/** A finished image: one index, a manifest per platform, and every blob below. */
export interface BuiltImage extends Image {
  readonly index: ImageIndex
  readonly manifests: readonly BuiltManifest[]
}

/** An export that a run is about to make. */
export interface PlannedExport {
  /** The name of the image. */
  readonly image: string
  /** As the exporter will find them: those of the plan, else the image's own. */
  readonly references: readonly string[]
  readonly plan: ExportPlan
}

/** Where an exporter put an image. */
export interface ExportResult {
  readonly exporter: string
  readonly image: string
  readonly digest: Digest
  /** What to give to the next tool: a path, or a reference. */
  readonly location: string
  /** The names under which it is found there. */
  readonly names: readonly string[]
  /** What else the exporter has to say, as plain data: what was sent, an engine's own ID. */
  readonly details?: JsonObject
}

/** What the exporters of one image came to. */
export interface Exported {
  readonly results: readonly ExportResult[]
  readonly errors: readonly Error[]
}

/** What became of one image. */
export interface ImageResult {
  readonly name: string
  readonly image?: BuiltImage
  readonly exports: readonly ExportResult[]
  /** Why the image was not built, or which exporters failed. */
  readonly errors: readonly Error[]
}

/** What of a base was brought into the store for one platform. */
export interface FetchedBase {
  /** As the project file names it. */
  readonly ref: string
  /** Of its root. */
  readonly digest: Digest
  readonly platform: Platform
  /** All that is kept of it, whether it was there before or not. */
  readonly blobs: readonly Descriptor[]
}

/** What fetching for a plan came to. */
export interface FetchResult {
  readonly images: readonly {
    readonly name: string
    readonly bases: readonly FetchedBase[]
    readonly errors: readonly Error[]
  }[]
  /** What went wrong outside of every image. */
  readonly errors: readonly Error[]
  readonly ok: boolean
  readonly milliseconds: number
}

/** What became of a build. */
export interface BuildResult {
  readonly images: readonly ImageResult[]
  /** What went wrong outside of every image: in taps of `configResolved`, `exportsResolved`, `done` and `failed`. */
  readonly errors: readonly Error[]
  readonly ok: boolean
  readonly milliseconds: number
}

export type { ExportPlan }
