import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { isObject, type Json } from '../json.ts'
import { errnoOf } from './disk-error.ts'

/**
 * Which process something belongs to. A process id alone is used again after a while; with the start
 * time, the boot and the pid namespace it means one process for good. Text that the system does not
 * give (no /proc) is empty.
 */
export interface Owner {
  readonly pid: number
  /** Clock ticks between boot and start (proc(5), /proc/pid/stat, field 22). */
  readonly start: string
  /** The boot id; the host's name where there is none. */
  readonly boot: string
  /** The pid namespace, such as `pid:[4026531836]`. */
  readonly namespace: string
}

/** An owner of another boot, container or host is given up when it gave no sign of life for an hour. */
const abandonedAfterMs = 60 * 60 * 1000

let self: Owner | undefined

/** This process. */
export function thisProcess(): Owner {
  self ??= {
    pid: process.pid,
    start: procStat(process.pid)?.start ?? '',
    boot: readText('/proc/sys/kernel/random/boot_id') ?? hostname(),
    namespace: readLink('/proc/self/ns/pid') ?? '',
  }
  return self
}

/** Reads an owner out of parsed JSON; undefined when it is none. */
export function ownerFromJson(value: Json | undefined): Owner | undefined {
  if (!isObject(value)) return undefined
  const { pid, start, boot, namespace } = value
  return typeof pid === 'number' &&
    Number.isSafeInteger(pid) &&
    pid > 0 &&
    typeof start === 'string' &&
    typeof boot === 'string' &&
    typeof namespace === 'string'
    ? { pid, start, boot, namespace }
    : undefined
}

/** An owner as part of a file's name: what `ownerFromName` reads. */
export function ownerToName({ pid, start, boot, namespace }: Owner): string {
  return [pid, start, boot, namespace].map(encodeURIComponent).join('+')
}

/** Reads what `ownerToName` wrote, whatever follows after one more `+`; undefined when it is none. */
export function ownerFromName(name: string): Owner | undefined {
  try {
    const [pid, start, boot, namespace] = name.split('+').map(decodeURIComponent)
    return ownerFromJson({
      pid: Number(pid),
      start: start ?? null,
      boot: boot ?? null,
      namespace: namespace ?? null,
    })
  } catch {
    return undefined // not percent-encoded: no name of ours
  }
}

/** Whether the process table of this process can tell whether the owner lives. */
export function isNear(owner: Owner): boolean {
  const { boot, namespace } = thisProcess()
  return owner.boot === boot && owner.namespace === namespace
}

/**
 * Whether the owner still runs. Exact for an owner of the same boot and pid namespace; any other
 * counts as alive until an hour after its last sign of life.
 * @param heartbeatMs when it last gave one, in milliseconds since 1970; by default now
 */
export function isAlive(owner: Owner, heartbeatMs: number = Date.now()): boolean {
  return isNear(owner) ? isRunning(owner) : Date.now() - heartbeatMs < abandonedAfterMs
}

function isRunning({ pid, start }: Owner): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: there is such a process, and it belongs to another user.
    if (errnoOf(error) !== 'EPERM') return false
  }
  const stat = procStat(pid)
  if (stat === undefined || start === '') return true // no more can be known (no /proc, or hidepid)
  return stat.start === start && stat.state !== 'Z' && stat.state !== 'X'
}

/** The command name in field 2 may hold spaces and brackets, so fields are counted after its end. */
function procStat(pid: number): { state: string; start: string } | undefined {
  const text = readText(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, start] = [fields[0], fields[19]]
  return state === undefined || start === undefined ? undefined : { state, start }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined // not every system has /proc
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined // not every system has /proc
  }
}
