import { dirname, join } from 'node:path/posix'
import { blobFromBytes, type DirectoryEntry, type Entry, mediaTypes } from '@orch/oci'
import { caCertificates } from './snapshot/ca-certificates.ts'
import { type ZoneEntry, zoneEntries } from './zoneinfo.ts'

/** The two trees: Windows has its own, every other system shares one. */
export type Family = 'unix' | 'windows'

/** Numeric, so that Kubernetes' `runAsNonRoot` can check it. */
export const nonroot = 65532

const passwd = `root:x:0:0:root:/root:/sbin/nologin
nonroot:x:${nonroot}:${nonroot}:nonroot:/home/nonroot:/sbin/nologin
`
const group = `root:x:0:
nonroot:x:${nonroot}:
`
/** Without this file, some resolvers ask DNS before they read /etc/hosts. */
const nsswitch = 'hosts: files dns\n'

/** Everything that the static base holds, every directory named. */
export function staticEntries(family: Family): readonly Entry[] {
  return family === 'unix' ? unixEntries() : windowsEntries()
}

function unixEntries(): readonly Entry[] {
  const owner = { uid: nonroot, gid: nonroot }
  return withParents([
    ...sharedEntries(zoneEntries()),
    file('etc/passwd', passwd),
    file('etc/group', group),
    file('etc/nsswitch.conf', nsswitch),
    { type: 'directory', path: 'home/nonroot', mode: 0o700, ...owner },
    { type: 'directory', path: 'root', mode: 0o700 },
  ])
}

/** A layer for Windows has its files below `Files` and its registry below `Hives`; links become copies, which need no right to make links. */
function windowsEntries(): readonly Entry[] {
  const shared = sharedEntries(withoutLinks(zoneEntries()))
  return withParents([
    ...shared.map(entry => ({ ...entry, path: `Files/${entry.path}` })),
    { type: 'directory', path: 'Hives' },
  ])
}

function sharedEntries(zones: readonly ZoneEntry[]): readonly Entry[] {
  return [
    file('etc/ssl/certs/ca-certificates.crt', certificates()),
    { type: 'directory', path: 'tmp', mode: 0o1777 },
    ...zones.map(zone => zoneEntry(zone)),
  ]
}

/** The certificates alone: the comments are for readers of the snapshot, and not every PEM reader skips them. */
function certificates(): string {
  return caCertificates.replaceAll(/^#.*\n/gm, '')
}

function zoneEntry(zone: ZoneEntry): Entry {
  const path = `usr/share/zoneinfo/${zone.name}`
  return 'bytes' in zone ? file(path, zone.bytes) : { type: 'symlink', path, target: zone.target }
}

function withoutLinks(zones: readonly ZoneEntry[]): readonly ZoneEntry[] {
  const byName = new Map(zones.map(zone => [zone.name, zone]))
  const resolve = (zone: ZoneEntry): ZoneEntry => {
    if ('bytes' in zone) return zone
    const next = byName.get(join(dirname(zone.name), zone.target))
    if (next === undefined) throw new Error(`zone ${zone.name} links to nothing`)
    return { ...resolve(next), name: zone.name }
  }
  return zones.map(resolve)
}

function file(path: string, content: string | Uint8Array): Entry {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  return { type: 'file', path, content: blobFromBytes(bytes, mediaTypes.octets) }
}

/** Adds the directories above the entries where they are not among them. */
function withParents(entries: readonly Entry[]): readonly Entry[] {
  const present = new Set(entries.map(entry => entry.path))
  const parents = new Set<string>()
  for (const { path } of entries) {
    for (let above = dirname(path); above !== '.'; above = dirname(above)) {
      if (!present.has(above)) parents.add(above)
    }
  }
  const directories = [...parents].map((path): DirectoryEntry => ({ type: 'directory', path }))
  return [...directories, ...entries]
}
