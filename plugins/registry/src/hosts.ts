import { resolve } from 'node:path'
import type { OptionsSchema, Settings } from '@orch/core'
import { parseReference } from '@orch/oci'
import type { HostSettings } from '@orch/registry'
import { z } from 'zod'

/** The key of the project file under which hosts are described. */
export const registriesKey = 'registries'

type Hosts = Readonly<Record<string, HostSettings>>

const texts = z.array(z.string().min(1))
const path = z.string().min(1)
const host = z.string().refine(isHost, 'expected a host as references name it: host or host:port')

const settings: z.ZodType<HostSettings> = z
  .strictObject({
    mirrors: texts
      .optional()
      .describe('Asked before the registry for pulls: host[:port][/prefix], in this order.'),
    'plain-http': z.boolean().optional().describe('Speak HTTP without TLS.'),
    'skip-verify': z.boolean().optional().describe('Accept any certificate.'),
    ca: path.optional().describe('A PEM file: who signs its certificate.'),
    cert: path.optional().describe('A PEM file: the certificate shown to it.'),
    key: path.optional().describe('A PEM file: the key of cert.'),
    'token-servers': texts
      .optional()
      .describe('Other hosts that may be told its credentials when its challenge names them.'),
    concurrency: z.int().min(1).max(64).optional().describe('Requests at once; 8 by default.'),
    'chunk-bytes': z.int().min(1).optional().describe('Upload blobs in chunks of so many bytes.'),
  })
  .transform((written): HostSettings => {
    const entries = Object.entries(written).filter(([, value]) => value !== undefined)
    return Object.fromEntries(entries.map(([key, value]) => [camelCase(key), value]))
  })

/** What a project file may say of registries, by host. */
export const registriesSchema: OptionsSchema<Hosts> = z
  .record(host, settings)
  .describe('How registries are spoken to, by host.')

/**
 * What hosts need beyond the defaults, as a project file's `registries` says: its paths made absolute,
 * and hosts named as references have them.
 */
export function hostsOf({ values, root }: Settings): Hosts {
  const hosts = (values[registriesKey] ?? {}) as Hosts
  return Object.fromEntries(
    Object.entries(hosts).map(([name, { ca, cert, key, ...rest }]) => [
      parseReference(`${name}/x/y`).domain,
      {
        ...rest,
        ...(ca === undefined ? {} : { ca: resolve(root, ca) }),
        ...(cert === undefined ? {} : { cert: resolve(root, cert) }),
        ...(key === undefined ? {} : { key: resolve(root, key) }),
      },
    ]),
  )
}

function isHost(name: string): boolean {
  try {
    return parseReference(`${name}/x/y`).path === 'x/y'
  } catch {
    return false
  }
}

function camelCase(text: string): string {
  return text.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
