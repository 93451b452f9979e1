import type { OptionsSchema } from '@orch/core'
import { type Platform, shown } from '@orch/oci'
import { flag, list, names, platformsIn } from '@orch/options'
import { z } from 'zod'
import { isIdentifier } from './place.ts'

/** What is unpacked into snapshots: for the daemon's own platform, for every one that it can, for none, or for a list. */
export type Unpack = 'host' | 'all' | 'none' | readonly Platform[]

/** Options of the exporter, checked. */
export interface ContainerdOptions {
  readonly address?: string | undefined
  readonly namespace?: string | undefined
  /** Undefined for all that the image has. */
  readonly platforms?: readonly Platform[] | undefined
  readonly unpack: Unpack
  readonly snapshotter?: string | undefined
  /** Instead of the image's own. */
  readonly names?: readonly string[] | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly pin: boolean
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

const identifier = z
  .string()
  .refine(isIdentifier, 'expected letters and digits, with single . _ - between')

const platforms = list.transform((items, context) =>
  items.length === 1 && items[0] === 'all' ? undefined : platformsIn(items, context),
)

const unpack = list.transform((items, context): Unpack => {
  const [first] = items
  const isWord = first === 'host' || first === 'all' || first === 'none'
  if (isWord && items.length === 1) return first
  if (items.every(item => item.includes('/'))) return platformsIn(items, context)
  context.addIssue({ code: 'custom', message: 'expected host, all, none, or platforms' })
  return []
})

/** A map, or text as the command line gives it: `key=value` between commas. */
const labels = z
  .union([z.record(z.string().min(1), z.string()), z.string()])
  .transform((given, context) => {
    if (typeof given !== 'string') return short(given, context)
    const pairs = given.split(',').map(pair => [pair.indexOf('='), pair] as const)
    if (given !== '' && pairs.some(([at]) => at < 1))
      context.addIssue({ code: 'custom', message: 'expected key=value, several between commas' })
    const read = pairs.map(([at, pair]) => [pair.slice(0, at), pair.slice(at + 1)] as const)
    return given === '' ? {} : short(Object.fromEntries(read), context)
  })

/** containerd refuses a label whose key and value have more bytes together (pkg/labels). */
const maxLabelBytes = 4096

function short(given: Record<string, string>, context: z.RefinementCtx): Record<string, string> {
  for (const [key, value] of Object.entries(given)) {
    if (Buffer.byteLength(key + value) <= maxLabelBytes) continue
    const message = `the label ${shown(key.slice(0, 40))} has more than ${maxLabelBytes} bytes`
    context.addIssue({ code: 'custom', message })
  }
  return given
}

const file = z.string().min(1).optional()

/** Options of `containerd`. */
export const containerdOptions: OptionsSchema<ContainerdOptions> = z
  .strictObject({
    address: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Socket (`/path`, `unix:///path`) or `tcp://host:port` with TLS; by default CONTAINERD_ADDRESS, else /run/containerd/containerd.sock.',
      ),
    namespace: identifier
      .optional()
      .describe('By default CONTAINERD_NAMESPACE, else `default`; Kubernetes reads `k8s.io`.'),
    platforms: platforms.optional().describe('The platforms to load; all by default.'),
    unpack: unpack
      .prefault('host')
      .describe('What to unpack into snapshots: `host`, `all`, `none`, or platforms.'),
    snapshotter: identifier
      .optional()
      .describe('By default CONTAINERD_SNAPSHOTTER, else what the namespace says, else overlayfs.'),
    names: names.optional().describe('Names of the image there, instead of its tags.'),
    labels: labels.prefault({}).describe('Labels of the image record.'),
    pin: flag.prefault(false).describe('Keep the kubelet from removing the image.'),
    ca: file.describe('File of the certificates that sign the daemon’s, for tcp://.'),
    cert: file.describe('File of the certificate shown to the daemon, for tcp://.'),
    key: file.describe('File of its private key.'),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
    message: 'cert and key belong together',
  })
