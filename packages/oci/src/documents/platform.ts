import { endianness } from 'node:os'
import { OrchError, shown, UsageError } from '../errors.ts'
import { checkFieldNames, type JsonObject } from '../json.ts'

/** Where an image runs (image-spec, image-index.md#image-index-property-descriptions). */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  readonly 'os.version'?: string
  readonly 'os.features'?: readonly string[]
}

/** The names of a platform's fields in documents. */
export const platformFields: readonly string[] = [
  'architecture',
  'os',
  'os.version',
  'os.features',
  'variant',
]

// containerd's specifier, except that no part may begin with a dot or a dash: parts become file names.
const osName = '[A-Za-z0-9_][A-Za-z0-9_-]*'
const part = '[A-Za-z0-9_][A-Za-z0-9_.-]*'
const grammar = new RegExp(`^(${osName})(?:\\((${part})\\))?(?:/(${part}))?(?:/(${part}))?$`)
const architectures = new Set(
  '386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm'.split(
    ' ',
  ),
)

/**
 * Reads `os/arch[/variant]`, `os(version)/arch[/variant]`, or a lone known architecture (then linux),
 * and normalises it as containerd does. Throws `PLATFORM_INVALID`.
 */
export function parsePlatform(text: string): Platform {
  const [, first = '', version, second, variant] = grammar.exec(text) ?? []
  const lone = normalizeArchitecture(first, '')
  if (first !== '' && second !== undefined) {
    return normalizePlatform({
      os: first,
      architecture: second,
      ...(variant === undefined ? {} : { variant }),
      ...(version === undefined ? {} : { 'os.version': version }),
    })
  }
  if (version === undefined && architectures.has(lone.architecture)) {
    return normalizePlatform({ os: 'linux', architecture: first })
  }
  throw new UsageError('PLATFORM_INVALID', `${shown(text)} is not a platform`, {
    hint: 'Write os/architecture or os/architecture/variant, such as linux/arm64 or linux/arm/v7.',
  })
}

/** `os[(version)]/arch[/variant]`, the form that `parsePlatform` reads. */
export function formatPlatform(platform: Platform): string {
  const version = platform['os.version']
  const os = version === undefined ? platform.os : `${platform.os}(${version})`
  return [os, platform.architecture, platform.variant]
    .filter(item => item !== undefined && item !== '')
    .join('/')
}

/** The platform in the form under which containerd compares it: aliases resolved, default variants dropped. */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase()
  const { architecture, variant } = normalizeArchitecture(
    platform.architecture,
    platform.variant ?? '',
  )
  const version = platform['os.version']
  const features = platform['os.features']
  return {
    os: os === 'macos' ? 'darwin' : os,
    architecture,
    ...(variant === '' ? {} : { variant }),
    ...(version === undefined || version === '' ? {} : { 'os.version': version }),
    ...(features === undefined || features.length === 0
      ? {}
      : { 'os.features': [...features].sort() }),
  }
}

function normalizeArchitecture(
  given: string,
  givenVariant: string,
): { architecture: string; variant: string } {
  const architecture = given.toLowerCase()
  const variant = givenVariant.toLowerCase()
  switch (architecture) {
    case 'i386':
    case 'i686':
      return { architecture: '386', variant: '' }
    case 'x86_64':
    case 'x86-64':
    case 'amd64':
      return { architecture: 'amd64', variant: variant === 'v1' ? '' : variant }
    case 'aarch64':
    case 'arm64': {
      const version = variant.replace(/^(?=\d)/, 'v').replace(/\.0$/, '')
      return { architecture: 'arm64', variant: version === 'v8' ? '' : version }
    }
    case 'armhf':
      return { architecture: 'arm', variant: 'v7' }
    case 'armel':
      return { architecture: 'arm', variant: 'v6' }
    case 'arm':
      return { architecture: 'arm', variant: variant.replace(/^(?=\d)/, 'v') || 'v7' }
    default:
      return { architecture, variant }
  }
}

/**
 * How platforms are compared. `strict`: the same OS, architecture and variant. `variant`: of the same
 * architecture, what the wanted variant can also run (amd64/v3 → v2 → amd64). `loose`: whatever the
 * wanted machine can also run (arm/v7 → v6 → v5, amd64/v3 → … → amd64 → 386, arm64/v9 → arm64/v8.5 →
 * … → arm64 → arm/v8 → …).
 */
export type PlatformMatching = 'strict' | 'variant' | 'loose'

/** The platforms that a machine of this kind runs, best first (containerd/platforms, compare.go). */
export function platformVector(wanted: Platform): readonly Platform[] {
  const first = normalizePlatform(wanted)
  const { variant: given = '', ...bare } = first
  const number = /^v\d{1,2}$/.test(given) ? Number(given.slice(1)) : 0
  const withVariant = (variant: string): Platform => normalizePlatform({ ...bare, variant })
  switch (first.architecture) {
    case 'amd64':
      return [
        first,
        ...down(number - 1, 1).map(n => withVariant(`v${n}`)),
        { ...bare, architecture: '386' },
      ]
    case 'arm':
      return [first, ...down(number - 1, 5).map(n => withVariant(`v${n}`))]
    case 'arm64': {
      const older = olderArm64(given).map(withVariant)
      const isKnown = older.length > 0 || given === ''
      return [
        first,
        ...older,
        ...(isKnown ? platformVector({ ...bare, architecture: 'arm', variant: 'v8' }) : []),
      ]
    }
    default:
      return [first]
  }
}

/** The variants below one of arm64: v9.n includes v8.(n+5). Empty for v8 itself, and for what is unknown. */
function olderArm64(variant: string): string[] {
  const [, major, minor = '0'] = /^v([89])(?:\.(\d))?$/.exec(variant) ?? []
  const n = Number(minor)
  const below = (version: number, from: number): string[] =>
    down(from, 0).map(m => `v${version}.${m}`)
  if (major === '8') return below(8, n - 1)
  return major === '9' ? [...below(9, n - 1), ...below(8, Math.min(n + 5, 9))] : []
}

function down(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, from - to + 1) }, (_, i) => from - i)
}

/** Whether an image for `offered` serves a machine that is `wanted`. */
export function matchesPlatform(
  wanted: Platform,
  offered: Platform,
  matching: PlatformMatching = 'strict',
): boolean {
  return rank(wanted, normalizePlatform(offered), matching) !== undefined
}

/** The best of the offered for `wanted`, or undefined. */
export function selectPlatform<T extends { readonly platform?: Platform }>(
  wanted: Platform,
  offered: readonly T[],
  matching: PlatformMatching = 'strict',
): T | undefined {
  let best: { item: T; rank: number } | undefined
  for (const item of offered) {
    if (item.platform === undefined) continue
    const found = rank(wanted, normalizePlatform(item.platform), matching)
    if (found !== undefined && (best === undefined || found < best.rank))
      best = { item, rank: found }
  }
  return best?.item
}

function candidates(wanted: Platform, matching: PlatformMatching): readonly Platform[] {
  if (matching === 'strict') return [wanted]
  const vector = platformVector(wanted)
  return matching === 'loose'
    ? vector
    : vector.filter(item => item.architecture === wanted.architecture)
}

function rank(wanted: Platform, offered: Platform, matching: PlatformMatching): number | undefined {
  const vector = candidates(normalizePlatform(wanted), matching)
  const at = vector.findIndex(
    item =>
      item.os === offered.os &&
      item.architecture === offered.architecture &&
      (item.variant ?? '') === (offered.variant ?? '') &&
      versionMatches(item, offered) &&
      featuresMatch(item, offered),
  )
  return at === -1 ? undefined : at
}

/** On Windows `10.0.20348` asks for any `10.0.20348.x`; elsewhere a version asked for must be the same. */
function versionMatches(wanted: Platform, offered: Platform): boolean {
  const want = wanted['os.version']
  if (want === undefined) return true
  const have = offered['os.version'] ?? ''
  return have === want || (wanted.os === 'windows' && have.startsWith(`${want}.`))
}

/** An image may need only features that were asked for; win32k, which containerd ignores, is no such need. */
function featuresMatch(wanted: Platform, offered: Platform): boolean {
  const have = wanted['os.features'] ?? []
  return (offered['os.features'] ?? []).every(
    item => have.includes(item) || (offered.os === 'windows' && item === 'win32k'),
  )
}

/** The platform of this machine's own architecture, for images: always linux unless it is Windows. */
export function localPlatform(): Platform {
  const names: Record<string, string> = {
    x64: 'amd64',
    ia32: '386',
    loong64: 'loong64',
    mipsel: 'mipsle',
    ppc64: endianness() === 'LE' ? 'ppc64le' : 'ppc64',
  }
  const architecture = names[process.arch] ?? process.arch
  return normalizePlatform({ os: process.platform === 'win32' ? 'windows' : 'linux', architecture })
}

/** Reads the `platform` of a descriptor, or the platform fields of a config. Throws `PLATFORM_INVALID`, `DOCUMENT_AMBIGUOUS`. */
export function platformFromJson(record: JsonObject, what: string): Platform {
  checkFieldNames(record, platformFields, what)
  const text = (key: string): string | undefined => {
    const item = record[key]
    if (item === undefined || item === null || item === '') return undefined
    if (typeof item === 'string') return item
    throw new OrchError('PLATFORM_INVALID', `${what}: platform field ${key} is not a string`)
  }
  const features = record['os.features'] ?? []
  if (!Array.isArray(features) || features.some(item => typeof item !== 'string')) {
    throw new OrchError(
      'PLATFORM_INVALID',
      `${what}: platform field os.features is not a list of strings`,
    )
  }
  const variant = text('variant')
  const version = text('os.version')
  return {
    os: text('os') ?? 'unknown',
    architecture: text('architecture') ?? 'unknown',
    ...(variant === undefined ? {} : { variant }),
    ...(version === undefined ? {} : { 'os.version': version }),
    ...(features.length === 0 ? {} : { 'os.features': features as readonly string[] }),
  }
}

/** The platform fields alone of something that has them, in the order of the specification. */
export function platformOf(value: Platform): Platform {
  const { architecture, os, variant } = value
  const version = value['os.version']
  const features = value['os.features']
  return {
    architecture,
    os,
    ...(version === undefined ? {} : { 'os.version': version }),
    ...(features === undefined ? {} : { 'os.features': features }),
    ...(variant === undefined ? {} : { variant }),
  }
}
