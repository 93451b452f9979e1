import {
  Client as Channel,
  type ChannelOptions,
  credentials,
  type Interceptor,
} from '@grpc/grpc-js'
import { shown } from '@orch/oci'
import { type Address, parseAddress } from './address.ts'
import { Calls } from './calls.ts'
import { content } from './content.ts'
import { diff } from './diff.ts'
import { ContainerdError } from './errors.ts'
import { events } from './events.ts'
import { images } from './images.ts'
import { plugins } from './introspection.ts'
import { leases } from './leases.ts'
import { namespaces } from './namespaces.ts'
import { probeSocket } from './probe.ts'
import { snapshots } from './snapshots.ts'
import { secure, type TlsFiles } from './tls.ts'
import type { CallOptions, Client, Version } from './types.ts'

export interface ConnectOptions {
  /** An absolute path, `unix:///path` or `tcp://host:port`, which is always TLS. */
  readonly address: string
  readonly namespace: string
  readonly tls?: TlsFiles | undefined
  /** Gives up connecting; what is connected stays so. */
  readonly signal?: AbortSignal | undefined
  /** What runs around every call; for tests. */
  readonly interceptors?: readonly Interceptor[]
}

/** How long a containerd may take to show that it is one, in milliseconds. */
const limit = 10_000
/** Uploads are spread over so many connections, each with its own flow control. */
const connections = 2

const channelOptions: ChannelOptions = {
  // The daemon takes at most 16 MiB a message, and answers in less than that.
  'grpc.max_receive_message_length': 32 * 1024 * 1024,
  'grpc.max_send_message_length': -1,
  // Each channel has a connection of its own.
  'grpc.use_local_subchannel_pool': 1,
  // A retry would keep what was sent; uploads have their own way to go on.
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  // No data of an image goes through a proxy that the environment names.
  'grpc.enable_http_proxy': 0,
  'grpc.enable_channelz': 0,
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 2_000,
}

/**
 * Connects to a containerd and asks for its version, so that whoever else listens is told apart. Throws
 * `CONTAINERD_ADDRESS`, `CONTAINERD_TLS_FILES`, `CONTAINERD_UNREACHABLE`, `CONTAINERD_DENIED`,
 * `CONTAINERD_TLS`, `CONTAINERD_FOREIGN`, `CONTAINERD_SILENT`, and the signal's reason.
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const address = parseAddress(options.address)
  const calls = new Calls(address.name, options.namespace, await channels(address, options))
  const client: Client = {
    address: address.name,
    namespace: options.namespace,
    version: call => version(calls, call),
    namespaces: namespaces(calls),
    leases: leases(calls),
    content: content(calls),
    images: images(calls),
    snapshots: snapshots(calls),
    diff: diff(calls),
    plugins: plugins(calls),
    events: events(calls),
    close: () => calls.close(),
  }
  try {
    await client.version({ signal: options.signal, timeout: limit })
    return client
  } catch (error) {
    client.close()
    if (!(error instanceof ContainerdError)) throw error
    // It may have ended just now; what still listens is something else.
    if (error.code === 'CONTAINERD_LOST' && address.kind === 'unix')
      await probeSocket(address.path, options.signal)
    throw strange(address, error)
  }
}

async function channels(
  address: Address,
  { tls = {}, signal, interceptors = [] }: ConnectOptions,
): Promise<readonly Channel[]> {
  const open = (
    target: string,
    ...[how, options]: [ConstructorParameters<typeof Channel>[1], ChannelOptions]
  ): readonly Channel[] =>
    Array.from(
      { length: connections },
      () =>
        new Channel(target, how, {
          ...channelOptions,
          ...options,
          interceptors: [...interceptors],
        }),
    )
  if (address.kind === 'unix') {
    await probeSocket(address.path, signal)
    // The daemon refuses the authority that would be made of a path.
    return open(`unix:${address.path}`, credentials.createInsecure(), {
      'grpc.default_authority': 'localhost',
    })
  }
  const secured = await secure(address, tls, limit, signal)
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return open(`dns:${host}:${address.port}`, secured.credentials, secured.options)
}

async function version(calls: Calls, call?: CallOptions): Promise<Version> {
  const { version, revision } = await calls.unary('version.Version/Version', {}, call)
  return { version, revision }
}

/** Something listens, but does not do what every containerd does. */
function strange({ kind, name }: Address, cause: ContainerdError): ContainerdError {
  const { status, details } = cause
  const known = { cause, details, ...(status === undefined ? {} : { status }) }
  if (status === 'DEADLINE_EXCEEDED')
    return new ContainerdError(
      'CONTAINERD_SILENT',
      `what listens at ${name} takes the connection but does not answer`,
      { ...known, hint: 'See whether that containerd hangs, or give the address of another.' },
    )
  return new ContainerdError(
    'CONTAINERD_FOREIGN',
    `what listens at ${name} is no containerd: ${shown(details)}`,
    {
      ...known,
      hint:
        kind === 'tcp'
          ? "Give the address of a TLS proxy before containerd's socket: its own tcp_address serves nothing but CRI."
          : 'Give the address of a containerd, 1.6 or newer; that of Docker, Podman or buildkitd is another.',
    },
  )
}
