import { delimiter, join } from 'node:path'
import { whyNoMounts } from './tmpfs.ts'
import { toolFolder, whyNotInstalled } from './tools.ts'
import { which } from './which.ts'

/** The system's own containerd, 1.6 in Debian 12, and the newest 2.x (tools.ts says which). */
export type ContainerdVersion = '1.6' | '2'

export const containerdVersions: readonly ContainerdVersion[] = ['1.6', '2']

/** The path of one of its programs. */
export function containerdProgram(version: ContainerdVersion, name: 'containerd' | 'ctr'): string {
  return version === '1.6' ? (which(name) ?? name) : join(toolFolder('containerd'), name)
}

/** What its environment needs: it looks for its shim in PATH first. */
export function containerdEnv(version: ContainerdVersion): Record<string, string | undefined> {
  const path = process.env['PATH'] ?? ''
  return { PATH: version === '1.6' ? path : `${toolFolder('containerd')}${delimiter}${path}` }
}

/** Why this version does not run here, or `undefined` when it does. */
export function whyNoContainerd(version: ContainerdVersion): string | undefined {
  return missingProgram(version) ?? missing('runc') ?? whyNoMounts()
}

function missingProgram(version: ContainerdVersion): string | undefined {
  return version === '1.6'
    ? (missing('containerd') ?? missing('ctr'))
    : whyNotInstalled('containerd')
}

function missing(program: string): string | undefined {
  return which(program) === undefined ? `${program} is not installed` : undefined
}
