import { readdirSync, readFileSync } from 'node:fs'

/** Peaks of resident memory, in bytes: of the process alone, and of it with all its descendants at one time. */
export interface Peak {
  readonly own: number
  readonly tree: number
}

/** Watches a process's memory until `stop`, which gives the peaks. Throws when nothing was ever seen of it. */
export function watchMemory(pid: number): { stop(): Peak } {
  let own = 0
  let tree = 0
  const look = () => {
    // VmHWM is the kernel's own high-water mark: nothing that happened between two looks is lost.
    own = Math.max(own, statusBytes(pid, 'VmHWM'))
    tree = Math.max(
      tree,
      processTree(pid).reduce((sum, one) => sum + statusBytes(one, 'VmRSS'), 0),
    )
  }
  look()
  const timer = setInterval(look, 25)
  return {
    stop() {
      look()
      clearInterval(timer)
      if (own === 0) throw new Error(`process ${pid} was gone before its memory was seen`)
      return { own, tree }
    },
  }
}

/** The process and all its descendants that live now, parents before children. */
export function processTree(pid: number): number[] {
  const children = Map.groupBy(processes(), parentOf)
  const tree = [pid]
  // The list grows while it is walked.
  for (const one of tree) tree.push(...(children.get(one) ?? []))
  return tree
}

/** The processes whose argument list satisfies `wanted`. */
export function processesWith(wanted: (args: readonly string[]) => boolean): number[] {
  return processes().filter(pid => wanted(read(pid, 'cmdline').split('\0')))
}

function processes(): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
}

function parentOf(pid: number): number {
  // The second field, the program's name, may hold spaces and parentheses.
  const stat = read(pid, 'stat')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0)
}

function statusBytes(pid: number, key: string): number {
  const kilobytes = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(read(pid, 'status'))?.[1]
  return Number(kilobytes ?? 0) * 1024
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // A process that has just ended has nothing to say.
    return ''
  }
}
