import { UsageError } from '@orch/oci'
import type { Allowed } from './refuse.ts'

/**
 * Variables that only choose what code is made, or how much memory and how many processors making it
 * takes (go help environment). All others are refused: no list could name each that some program heeds.
 * GODEBUG is not here: of the go command it turns protections off, and the program does not see it.
 */
const harmless = new Set(
  (
    'GO111MODULE GO386 GOAMD64 GOARM GOARM64 GOEXPERIMENT GOFIPS140 GOGC GOMAXPROCS GOMEMLIMIT ' +
    'GOMIPS GOMIPS64 GOPPC64 GORISCV64 GOWASM'
  ).split(' '),
)

/** Variables that orch sets from the build's other options. */
const ours: Readonly<Record<string, string>> = {
  CGO_ENABLED: 'use `cgo`',
  GOOS: 'use `platforms`',
  GOARCH: 'use `platforms`',
}

/**
 * Checks the names of a project file's `env`. Throws `GO_ENV_INVALID` for what is orch's own, and
 * `GO_ENV_REFUSED` for all that is not known to be harmless unless the operator allowed it by its name
 * or by `go-env`.
 */
export function checkEnvNames(names: Iterable<string>, where: string, allowed: Allowed): void {
  for (const name of names) {
    const instead = Object.hasOwn(ours, name) ? ours[name] : undefined
    if (instead !== undefined) {
      throw new UsageError('GO_ENV_INVALID', `${where}: ${name} cannot be set: ${instead}`)
    }
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      throw new UsageError('GO_ENV_INVALID', `${where}: ${JSON.stringify(name)} is not a name`)
    }
    if (harmless.has(name) || allowed.has(name) || allowed.has('go-env')) continue
    throw new UsageError('GO_ENV_REFUSED', `${where}: ${name} is refused`, {
      hint:
        'A project file alone may not choose programs or exchange the toolchain. ' +
        `If you trust it, allow this variable with --allow=${name}, or all of them with --allow=go-env.`,
    })
  }
}
