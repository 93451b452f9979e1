import { normalizePlatform, OrchError, type Platform } from '@orch/oci'
import type { CallOptions, Client, PluginInfo } from '../client/types.ts'

/** Where layers are unpacked. */
export interface Snapshotter {
  readonly name: string
  /** The platform whose programs the daemon's machine runs. */
  readonly platform: Platform
}

const type = 'io.containerd.snapshotter.v1'

/**
 * The snapshotter that is meant: the one asked for, else CONTAINERD_SNAPSHOTTER, else what the namespace
 * says, else overlayfs. Throws `CONTAINERD_SNAPSHOTTER` when the daemon has no such one, or it did not start.
 */
export async function chooseSnapshotter(
  client: Client,
  wanted: string | undefined,
  call: CallOptions,
): Promise<Snapshotter> {
  const name =
    wanted ??
    (await client.namespaces.labels(call))['containerd.io/defaults/snapshotter'] ??
    'overlayfs'
  const known = await client.plugins([`type==${type}`], call)
  const found = known.find(plugin => plugin.id === name)
  if (found === undefined || found.error !== '') throw unusable(client, name, found, known)
  const [platform] = found.platforms
  if (platform === undefined) throw unusable(client, name, found, known)
  return { name, platform: normalizePlatform(platform) }
}

function unusable(
  { address }: Client,
  name: string,
  found: PluginInfo | undefined,
  known: readonly PluginInfo[],
): OrchError {
  const why =
    found === undefined
      ? 'has no such snapshotter'
      : `did not start it: ${found.error || 'it names no platform'}`
  const usable = known.filter(({ error, platforms }) => error === '' && platforms.length > 0)
  return new OrchError(
    'CONTAINERD_SNAPSHOTTER',
    `snapshotter ${name}: containerd at ${address} ${why}`,
    {
      hint:
        usable.length === 0
          ? 'It has none that works; use unpack=none.'
          : `It has ${usable.map(({ id }) => id).join(', ')}: use snapshotter=${usable[0]?.id}, or unpack=none.`,
    },
  )
}
