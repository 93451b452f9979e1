import { hostsOf, insecureSettings } from '@orch/plugin-registry'
import type { Registries } from '@orch/registry'
import { visible } from '@orch/report'
import { namedSetting, type Session } from './session.ts'

/** Does `work` with registries, as the project of `-f` has them; `insecure` names a host that is spoken to with any certificate, or without TLS. */
export async function withRegistries<T>(
  session: Session,
  insecure: string | undefined,
  work: (registries: Registries) => Promise<T>,
): Promise<T> {
  const { settings } = await namedSetting(session)
  const hosts = settings === undefined ? {} : hostsOf(settings)
  // Loaded when it is needed: most commands do without.
  const { createRegistries } = await import('@orch/registry')
  const registries = createRegistries({
    hosts:
      insecure === undefined
        ? hosts
        : { ...hosts, [insecure]: { ...hosts[insecure], ...insecureSettings } },
    env: process.env,
    signal: session.interruption.signal,
    onWarning: (host, warning) => process.stderr.write(`${visible(`${host}: ${warning}`)}\n`),
  })
  try {
    return await work(registries)
  } finally {
    await registries.close()
  }
}

/** A reference as the command line gives it: `docker://` before it may be left out. */
export function bareReference(text: string): string {
  return text.replace(/^docker:\/\//, '')
}
