import { formatPlatform, nearest, normalizePlatform, type Platform, UsageError } from '@orch/oci'

/**
 * Per architecture: the variable, its value without variant, and the value of each variant
 * (go.dev/doc/install/source#environment; Go 1.26). Set even without a variant, so that what an image
 * holds depends on its platform and never on the settings of the machine that builds.
 */
const levels: Readonly<
  Record<string, { name: string; value: string; variants?: Readonly<Record<string, string>> }>
> = {
  '386': { name: 'GO386', value: 'sse2' },
  amd64: { name: 'GOAMD64', value: 'v1', variants: { v2: 'v2', v3: 'v3', v4: 'v4' } },
  arm: { name: 'GOARM', value: '7', variants: { v5: '5', v6: '6', v7: '7' } },
  arm64: {
    name: 'GOARM64',
    value: 'v8.0',
    variants: { ...minors('v8', 1, 9), ...minors('v9', 0, 5) },
  },
  mips: { name: 'GOMIPS', value: 'hardfloat' },
  mipsle: { name: 'GOMIPS', value: 'hardfloat' },
  mips64: { name: 'GOMIPS64', value: 'hardfloat' },
  mips64le: { name: 'GOMIPS64', value: 'hardfloat' },
  ppc64: { name: 'GOPPC64', value: 'power8' },
  ppc64le: { name: 'GOPPC64', value: 'power8' },
  riscv64: {
    name: 'GORISCV64',
    value: 'rva20u64',
    variants: { rva20u64: 'rva20u64', rva22u64: 'rva22u64', rva23u64: 'rva23u64' },
  },
}

function minors(major: string, from: number, to: number): Record<string, string> {
  const list = Array.from({ length: to - from + 1 }, (_, at) => `${major}.${from + at}`)
  return Object.fromEntries([...list.map(text => [text, text]), [major, `${major}.0`]])
}

/** The variables that make Go build for a platform. Throws `PLATFORM_UNSUPPORTED` for an unknown variant. */
export function platformEnv(platform: Platform): Record<string, string> {
  const { os, architecture, variant } = normalizePlatform(platform)
  const level = levels[architecture]
  const base = { GOOS: os, GOARCH: architecture }
  if (level === undefined && variant === undefined) return base
  const value = variant === undefined ? level?.value : level?.variants?.[variant]
  if (level === undefined || value === undefined) {
    const known = Object.keys(level?.variants ?? {})
    const message = `Go does not know the variant ${variant} of ${os}/${architecture}`
    throw new UsageError('PLATFORM_UNSUPPORTED', message, {
      hint:
        known.length === 0
          ? `Write ${os}/${architecture}, without a variant.`
          : `Write ${os}/${architecture} or one of its variants: ${known.join(', ')}.`,
    })
  }
  return { ...base, [level.name]: value }
}

/**
 * Refuses a platform that Go cannot build, naming the nearest and all that there are.
 * @param known `os/arch`, from `go tool dist list`
 */
export function checkPlatform(platform: Platform, known: readonly string[], image: string): void {
  const { os, architecture } = normalizePlatform(platform)
  const wanted = `${os}/${architecture}`
  if (!known.includes(wanted)) {
    const near = nearest(wanted, known)
    const meant = near === undefined ? '' : `Did you mean ${near}? `
    const text = formatPlatform(platform)
    throw new UsageError('PLATFORM_UNSUPPORTED', `image ${image}: Go cannot build for ${text}`, {
      hint: `${meant}It builds for ${known.join(', ')}.`,
    })
  }
  platformEnv(platform)
}
