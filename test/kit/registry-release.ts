import { toolProgram, whyNotInstalled } from './tools.ts'
import { which } from './which.ts'

/** Debian's own, docker-registry 2.8, and the newest distribution 3 (tools.ts says which). */
export type RegistryVersion = '2.8' | '3'

export const registryVersions: readonly RegistryVersion[] = ['2.8', '3']

export function registryProgram(version: RegistryVersion): string {
  return version === '2.8'
    ? (which('docker-registry') ?? 'docker-registry')
    : toolProgram('registry')
}

/** Why this version does not run here, or `undefined` when it does. */
export function whyNoRegistry(version: RegistryVersion): string | undefined {
  if (which('openssl') === undefined) return 'openssl is not installed'
  if (version === '3') return whyNotInstalled('registry')
  return which('docker-registry') === undefined ? 'docker-registry is not installed' : undefined
}
