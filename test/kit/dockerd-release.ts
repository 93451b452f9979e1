import { execFileSync } from 'node:child_process'
import { type ContainerdVersion, whyNoContainerd } from './containerd-release.ts'
import { toolProgram, whyNotInstalled } from './tools.ts'
import { which } from './which.ts'

/**
 * The system's own Docker Engine, 20.10 in Debian 12, which keeps images in a graph driver; and the newest
 * one, which keeps them in containerd (tools.ts says which: Docker 29 is made of moby 2).
 */
export type DockerdVersion = '20.10' | '29'

export const dockerdVersions: readonly DockerdVersion[] = ['20.10', '29']

export function dockerdProgram(version: DockerdVersion): string {
  return version === '20.10' ? (which('dockerd') ?? 'dockerd') : toolProgram('dockerd')
}

/** The containerd below it. */
export function containerdOf(version: DockerdVersion): ContainerdVersion {
  return version === '20.10' ? '1.6' : '2'
}

/** Why this version does not run here, or `undefined` when it does. */
export function whyNoDockerd(version: DockerdVersion): string | undefined {
  return missingProgram(version) ?? whyNoContainerd(containerdOf(version))
}

/** The first `docker` in PATH, of whatever version: it agrees with both engines on one of the API. */
export function whyNoDocker(): string | undefined {
  return which('docker') === undefined ? 'docker is not installed' : undefined
}

function missingProgram(version: DockerdVersion): string | undefined {
  if (version === '29') return whyNotInstalled('dockerd')
  const program = which('dockerd')
  if (program === undefined) return 'dockerd is not installed'
  const says = execFileSync(program, ['--version'], { encoding: 'utf8', timeout: 20_000 }).trim()
  return says.includes(' 20.10.') ? undefined : `dockerd is not 20.10 here: ${says}`
}
