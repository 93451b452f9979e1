import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { UsageError } from '@orch/oci'
import type { GoPackage, Listing } from './list.ts'

/**
 * The command that a name of the project file stands for. Throws `GO_PACKAGE_MISSING` when there is no
 * such package, `GO_NOT_MAIN` when it is a library. A package that cannot be built is returned: `go
 * build` explains best why.
 * @param dir the folder in which the go command runs
 * @param where begins the message, such as `image api`
 */
export function namedCommand(
  listing: Listing,
  name: string,
  dir: string,
  where: string,
): GoPackage {
  const found = listing.named.get(name)
  const isFolder = !name.startsWith('.') && existsSync(join(dir, name))
  if (isFolder && found?.Standard === true) {
    throw new UsageError(
      'GO_PACKAGE_MISSING',
      `${where}: ${name} is a package of Go itself, not the folder of that name`,
      { hint: `To name the folder, write ./${name}.` },
    )
  }
  if (found === undefined || isAbsent(found)) {
    const why = found?.Error?.Err ?? 'go list does not show it'
    throw new UsageError('GO_PACKAGE_MISSING', `${where}: there is no Go package ${name}: ${why}`, {
      hint: isFolder
        ? `To name the folder, write ./${name}.`
        : 'Name a folder as ./cmd/x, relative to `dir` of the build, or an import path of the module.',
    })
  }
  if (found.Name !== undefined && found.Name !== 'main') {
    const message = `${where}: ${name} is package ${found.Name}, not package main`
    throw new UsageError('GO_NOT_MAIN', message, { hint: 'Name the package of a command.' })
  }
  return found
}

/** A name as the go command repeats it: `./cmd/x/` is `./cmd/x`. */
export function cleanName(name: string): string {
  if (!/^\.\.?(\/|$)/.test(name)) return name
  const path = posix.normalize(name).replace(/\/$/, '')
  return /^\.\.?(\/|$)/.test(path) ? path : `./${path}`
}

function isAbsent(found: GoPackage): boolean {
  if (found.Error === undefined || found.Name !== undefined) return false
  // A package whose every file is left out by build constraints is there, only not for this platform.
  if (found.IgnoredGoFiles !== undefined) return false
  return found.Dir === undefined || /^no Go files in /.test(found.Error.Err)
}

/** Whether the go command found fault with the package, or with one that it needs, before compiling. */
export function isBroken(found: GoPackage): boolean {
  return found.Error !== undefined || found.DepsErrors !== undefined
}
