import type { Plugin } from '@orch/core'

/** A project as a project file writes it. */
export interface ProjectConfig {
  readonly $schema?: string | undefined
  readonly platforms?: readonly string[] | undefined
  readonly images: Readonly<Record<string, ProjectImage>>
  readonly export?: readonly ProjectExport[] | undefined
  readonly plugins?: readonly ProjectPlugin[] | undefined
  /** Keys that plugins add, such as `registries`. */
  readonly [pluginKey: string]: unknown
}

/** An image as a project file writes it. */
export interface ProjectImage {
  /** One builder's name with what it builds, and that builder's options. */
  readonly build: Readonly<Record<string, unknown>>
  /** A source, `static`, or `scratch`: for all platforms, or by platform with `default` for the rest. */
  readonly base?: string | Readonly<Record<string, string>> | undefined
  readonly platforms?: readonly string[] | undefined
  readonly tags?: readonly string[] | undefined
  readonly entrypoint?: readonly string[] | undefined
  readonly cmd?: readonly string[] | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly user?: string | undefined
  readonly workdir?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
  readonly compression?: ProjectCompression | undefined
  /** Keys that plugins add. */
  readonly [pluginKey: string]: unknown
}

type CompressionName = 'gzip' | 'zstd' | 'none'
export type ProjectCompression =
  | CompressionName
  | { readonly type: CompressionName; readonly level?: number | undefined }

/** `name[,key=value…]`, or an exporter's name with its options. */
export type ProjectExport = string | Readonly<Record<string, unknown>>

/** A path or a package's name, alone or with options for the plugin; in a script also the plugin itself. */
export type ProjectPlugin = string | { readonly use: string; readonly options?: unknown } | Plugin

/** What a project file's function is called with. */
export interface ConfigContext {
  readonly env: Readonly<Record<string, string | undefined>>
}

/** What `orch.config.ts` exports by default. */
export type ConfigExport =
  | ProjectConfig
  | ((context: ConfigContext) => ProjectConfig | Promise<ProjectConfig>)

/** Returns what it is given; editors complete the keys inside. Never required. */
export function defineConfig<Config extends ConfigExport>(config: Config): Config {
  return config
}
