import { describe, it } from 'vitest'
import { whyNotRunnable } from './binfmt.ts'
import {
  type ContainerdVersion,
  containerdVersions,
  whyNoContainerd,
} from './containerd-release.ts'
import {
  type DockerdVersion,
  dockerdVersions,
  whyNoDocker,
  whyNoDockerd,
} from './dockerd-release.ts'
import { regclient, whyNotFetched } from './go-project.ts'
import { type RegistryVersion, registryVersions, whyNoRegistry } from './registry-release.ts'
import { whyNoMounts } from './tmpfs.ts'
import { whyNotInstalled } from './tools.ts'
import { which } from './which.ts'

/** What a test may need that a machine may lack. */
type Service =
  | 'mounts'
  | 'containerd'
  | 'containerd2'
  | 'dockerd20'
  | 'dockerd29'
  | 'docker'
  | 'registry'
  | 'registry3'
  | 'crane'
  | 'regctl'
  | 'skopeo'
  | 'umoci'
  | 'openssl'
  | 'go'
  | 'amd64'
  | 'arm64'
  | 'regclient'

/** Each answers why it cannot be had, or `undefined`. */
const services: Readonly<Record<Service, () => string | undefined>> = {
  mounts: whyNoMounts,
  containerd: () => whyNoContainerd('1.6'),
  containerd2: () => whyNoContainerd('2'),
  dockerd20: () => whyNoDockerd('20.10'),
  dockerd29: () => whyNoDockerd('29'),
  /** The command line, which startDockerd needs too. */
  docker: whyNoDocker,
  registry: () => whyNoRegistry('2.8'),
  registry3: () => whyNoRegistry('3'),
  crane: () => whyNotInstalled('crane'),
  regctl: () => whyNotInstalled('regctl'),
  skopeo: () => program('skopeo'),
  umoci: () => program('umoci'),
  openssl: () => program('openssl'),
  go: () => program('go'),
  /** Programs of this architecture run, in containers too. */
  amd64: () => whyNotRunnable('amd64'),
  arm64: () => whyNotRunnable('arm64'),
  /** The Go module proxy answers, or the real project is in the module cache. */
  regclient: () => whyNotFetched(regclient),
}

const known = new Map<Service, string | undefined>()

/**
 * `needs('skopeo', 'umoci')('copies the layout', () => { it(…) })`: a describe that is skipped when one of
 * the services cannot be had, with the reason in its name. With CI=true it fails instead of being skipped.
 */
export function needs(...names: readonly Service[]): (title: string, body: () => void) => void {
  const reason = names.map(whyMissing).find(why => why !== undefined)
  return (title, body) => {
    if (reason === undefined) describe(title, body)
    else if (process.env['CI'] === 'true') {
      describe(title, () => {
        it('has the services it needs', () => {
          throw new Error(reason)
        })
      })
    } else describe.skip(`${title} [skipped: ${reason}]`, body)
  }
}

/** Like `needs`, a describe for each version of containerd, which is told to the body and in the title. */
export function eachContainerd(
  ...others: readonly Service[]
): (title: string, body: (version: ContainerdVersion) => void) => void {
  return (title, body) => {
    for (const version of containerdVersions) {
      const service = version === '1.6' ? 'containerd' : 'containerd2'
      needs(service, ...others)(`${title} (containerd ${version})`, () => body(version))
    }
  }
}

/** Like `needs`, a describe for each Docker Engine that startDockerd has, which is told to the body and in the title. */
export function eachDockerd(
  ...others: readonly Service[]
): (title: string, body: (version: DockerdVersion) => void) => void {
  return (title, body) => {
    for (const version of dockerdVersions) {
      const service = version === '20.10' ? 'dockerd20' : 'dockerd29'
      needs(service, 'docker', ...others)(`${title} (Docker ${version})`, () => body(version))
    }
  }
}

/**
 * Like `needs`, a describe for each version of distribution, which is told to the body and in the title. The
 * versions are tried side by side, the tests of each one after another: what they need, they need of their own.
 */
export function eachRegistry(
  ...others: readonly Service[]
): (title: string, body: (version: RegistryVersion) => void) => void {
  return (title, body) => {
    describe(title, () => {
      for (const version of registryVersions) {
        const service = version === '2.8' ? 'registry' : 'registry3'
        const all = (): void => needs(service, ...others)('', () => body(version))
        describe(`registry ${version}`, { concurrent: true }, () => {
          describe('', { concurrent: false }, all)
        })
      }
    })
  }
}

function whyMissing(name: Service): string | undefined {
  if (!known.has(name)) known.set(name, services[name]())
  return known.get(name)
}

function program(name: string): string | undefined {
  return which(name) === undefined ? `${name} is not installed` : undefined
}
