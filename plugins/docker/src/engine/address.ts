/** Where to look for the engine: options of the exporter or source; the environment fills in the rest. */
export interface EndpointOptions {
  readonly host?: string | undefined
  readonly context?: string | undefined
}

export type Environment = Readonly<Record<string, string | undefined>>

/** What an engine's address says. */
export type Host =
  | { readonly kind: 'unix' | 'npipe'; readonly path: string }
  | {
      readonly kind: 'tcp'
      readonly host: string
      readonly port: number
      /** What comes before the paths of the API: empty, or `/prefix`. */
      readonly prefix: string
      /** Whether the address itself asks for TLS, forbids it, or leaves it to the rest. */
      readonly tls: 'always' | 'never' | 'maybe'
    }
  | {
      readonly kind: 'ssh'
      readonly host: string
      readonly user: string | undefined
      readonly port: number | undefined
      /** The engine's socket there; undefined for what the docker command there chooses. */
      readonly path: string | undefined
    }

/** Paths of PEM files; each undefined when there is none. */
export interface TlsFiles {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  /** Whether the engine's certificate is checked; only its owner's own word turns that off. */
  readonly verify: boolean
}

/** Where an engine is, and how that became known. */
export interface Endpoint {
  /** For messages and to tell engines apart: `tcp://host:2376 (context ci)`. */
  readonly where: string
  readonly host: Host
  /** Undefined where no TLS is spoken. */
  readonly tls: TlsFiles | undefined
  readonly by: 'option' | 'environment' | 'context' | 'default'
  readonly env: Environment
}
