import { UsageError } from '@orch/oci'
import type { Flag } from '../settings/flags.ts'
import { type Allowed, refuseFlag } from './refuse.ts'
import { checkToolFlags } from './tool-flags.ts'

/** Flags of `go build` that take a value (go help build; Go 1.26). */
export const valuedBuildFlags: ReadonlySet<string> = new Set(
  (
    'C asmflags buildmode compiler covermode coverpkg exec gccgoflags gcflags installsuffix ldflags ' +
    'mod modfile o overlay p pgo pkgdir tags toolexec'
  ).split(' '),
)

const harmless = new Set(
  (
    'a asan asmflags buildmode buildvcs cover covermode coverpkg gcflags installsuffix ldflags mod ' +
    'modcacherw msan p pgo race tags trimpath v'
  ).split(' '),
)

/** Flags that orch gives itself, or whose output it could not use. */
const ours: Readonly<Record<string, string>> = {
  o: 'orch decides where the program is written; `path` is where it stands in the image',
  n: 'nothing would be built',
  C: 'use `dir`',
  json: 'it changes the output that orch reads',
  x: 'it changes the output that orch reads',
  work: 'it leaves folders behind',
}

const programModes = new Set(['default', 'exe', 'pie'])

/**
 * The flags as they may be passed on. Refuses flags of the project file: those that are orch's own always (`GO_FLAG_INVALID`), those that can
 * run programs, exchange the toolchain or reach files unless allowed (`GO_FLAG_REFUSED`).
 */
export function checkBuildFlags(flags: readonly Flag[], where: string, allowed: Allowed): Flag[] {
  return flags.map(flag => {
    const { name, value } = flag
    const why = Object.hasOwn(ours, name) ? ours[name] : undefined
    if (why !== undefined) invalid(where, `-${name} cannot be given: ${why}`)
    if (!harmless.has(name)) refuseFlag(where, `-${name}`, allowed)
    if (name === 'trimpath' && value !== undefined && value !== 'true') {
      invalid(where, '-trimpath cannot be turned off: the same inputs must give the same bytes')
    }
    if (name === 'buildmode' && !programModes.has(value ?? '')) {
      invalid(where, `-buildmode=${value} makes no program; use exe or pie`)
    }
    if (name !== 'gcflags' && name !== 'asmflags') return flag
    return { name, value: checkToolFlags(name, value ?? '', where, allowed) }
  })
}

function invalid(where: string, why: string): never {
  throw new UsageError('GO_FLAG_INVALID', `${where}: ${why}`)
}
