import { UsageError } from '@orch/oci'
import type { Allowed } from './refuse.ts'

/** Variables of the go command that only choose what code is made, or from where modules come (go help environment). */
const harmlessGo = new Set(
  (
    'GO111MODULE GO386 GOAMD64 GOARM GOARM64 GODEBUG GOEXPERIMENT GOFIPS140 GOGC GOMAXPROCS ' +
    'GOMEMLIMIT GOMIPS GOMIPS64 GONOPROXY GOPPC64 GOPRIVATE GOPROXY GORISCV64 GOWASM'
  ).split(' '),
)

/** Variables that orch sets from the build's other options. */
const ours: Readonly<Record<string, string>> = {
  CGO_ENABLED: 'use `cgo`',
  GOOS: 'use `platforms`',
  GOARCH: 'use `platforms`',
}

/**
 * Everything else of Go's own, and whatever lets a file choose the programs that run: compilers, git
 * and its settings, loaders, shells, and the folders in which those look for their settings.
 */
const refused =
  /^(GO[A-Z0-9_]*|PATH|PATHEXT|COMSPEC|LD_.*|DYLD_.*|CC|CXX|FC|AR|CC_FOR_.*|CXX_FOR_.*|PKG_CONFIG.*|GCCGO.*|GCC_.*|CGO_.*|COMPILER_PATH|CPATH|.*_INCLUDE_PATH|LIBRARY_PATH|GIT_.*|SSH_.*|HOME|USERPROFILE|APPDATA|LOCALAPPDATA|XDG_.*|NETRC|SHELL|BASH_ENV|ENV|HG.*|SVN_.*|BZR.*|FOSSIL.*)$/i

/**
 * Checks the names of a project file's `env`. Throws `GO_ENV_INVALID` for what is orch's own, and
 * `GO_ENV_REFUSED` for what can run programs or exchange the toolchain unless the operator allowed it
 * by its name or by `go-env`.
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
    if (harmlessGo.has(name) || !refused.test(name)) continue
    if (allowed.has(name) || allowed.has('go-env')) continue
    throw new UsageError('GO_ENV_REFUSED', `${where}: ${name} is refused`, {
      hint:
        'A project file alone may not choose programs or exchange the toolchain. ' +
        `If you trust it, allow this variable with --allow=${name}, or all of them with --allow=go-env.`,
    })
  }
}
