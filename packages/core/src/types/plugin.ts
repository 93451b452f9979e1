import type { Hooks } from '../hooks.ts'

/**
 * A schema by its Standard Schema interface (standardschema.dev, version 1): zod, valibot and arktype
 * have it. With `jsonSchema` (zod ≥ 4.2) it also appears in the project file's JSON Schema.
 */
export interface OptionsSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly jsonSchema?: {
      readonly input: (options: { target: 'draft-2020-12' }) => Record<string, unknown>
    }
  }
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a project file holds under the keys that plugins add to its top. */
export interface Settings {
  /** By key, as the plugins' schemas left it. */
  readonly values: Readonly<Record<string, unknown>>
  /** The folder of the project file, from which relative paths in it start. */
  readonly root: string
}

/** What a plugin is handed once, before anything is built. */
export interface PluginApi {
  /** The hooks of the build, for `tap`, `tapAsync` and `tapPromise`. A name that is no hook is an error. */
  readonly hooks: Hooks
  /** The project folder. */
  readonly root: string
  /** What the project file holds under the plugin's `projectKeys`; nothing outside of a project. */
  readonly settings: Settings
  /** The functions of @orch/oci, the very ones that orch runs: a plugin needs no import to make blobs and documents. */
  readonly oci: typeof import('@orch/oci')
}

/** A place to write to. */
export interface Destination {
  readonly exporter: string
  /** As `--export` would give them: the exporter's schema checks them. */
  readonly options: Readonly<Record<string, string>>
  /** The names in this place; with none, images keep their own. */
  readonly references: readonly string[]
}

/** Whether a runtime is there to load images into. */
export type Runtime =
  | {
      readonly found: true
      /** For people: `containerd at /run/containerd/containerd.sock (namespace default)`. */
      readonly where: string
      /** An environment variable names it, so that it comes before those that are merely found. */
      readonly chosen: boolean
    }
  | {
      readonly found: false
      /** Names it and says what is wrong: `containerd: there is no socket at /run/…`. */
      readonly why: string
      /** An environment variable names it all the same: then no other is taken in its place. One that cannot be right is thrown, as a `UsageError`. */
      readonly chosen?: boolean
    }

/**
 * A plugin. A factory makes it: `export default (options) => ({name, setup(api) {…}})`.
 * The tables say which keys of the project file are the plugin's, and how their values look.
 */
export interface Plugin {
  readonly name: string
  /** Keys under `build:`; the value of the whole `build` object is checked. */
  readonly builders?: Readonly<Record<string, OptionsSchema>>
  /** Names for `--export` and `export:`. */
  readonly exporters?: Readonly<Record<string, OptionsSchema>>
  /** Keys that images gain, such as `files`. */
  readonly imageKeys?: Readonly<Record<string, OptionsSchema>>
  /** Keys at the top of the project file, such as `registries`; `setup` is handed what they hold. */
  readonly projectKeys?: Readonly<Record<string, OptionsSchema>>
  /** Schemes of source references that it opens, such as `oci`. */
  readonly sources?: readonly string[]
  /**
   * What `orch copy` may write to, by scheme: reads what stands after `scheme:` or `scheme://`. A key
   * `scheme://` takes the second form alone, and leaves the first to another plugin.
   * @param rest without its options, `dir:name` of `oci:dir:name`; may be empty
   * @param root the folder from which relative paths start
   */
  readonly destinations?: Readonly<
    Record<string, (rest: string, root: string) => Destination | Promise<Destination>>
  >
  /** Where `orch load` may put images on this machine, by exporter: looks whether it is there, until the signal, and with `offline` without the network. */
  readonly runtimes?: Readonly<
    Record<
      string,
      (
        env: Readonly<Record<string, string | undefined>>,
        looking: { readonly offline: boolean; readonly signal: AbortSignal },
      ) => Promise<Runtime>
    >
  >
  setup(api: PluginApi): void | Promise<void>
}

/** What a plugin's file exports by default: the plugin, or a function of its options that makes it. */
export type PluginModule = Plugin | ((options?: unknown) => Plugin | Promise<Plugin>)
