import type { Event } from '@orch/core'
import { formatCount, formatSize } from '../format.ts'
import { visible } from '../text.ts'

type Progress = Extract<Event, { type: 'progress' }>

/** Bytes on their way to one exporter's place, by what they are of. */
interface Transfer {
  readonly exporter: string | undefined
  readonly place: string | undefined
  readonly began: number
  readonly parts: Map<string, Pick<Progress, 'current' | 'total'>>
}

/** What is on its way for one row, added up by exporter and place. */
export class Transfers {
  readonly #all = new Map<string, Transfer>()

  /** Takes an event in, and gives the sum that it belongs to. */
  apply({ exporter, place, what, current, total, at }: Progress): Transfer {
    const key = JSON.stringify([exporter, place])
    const transfer = this.#all.get(key) ?? { exporter, place, began: at, parts: new Map() }
    this.#all.set(key, transfer)
    transfer.parts.set(what, { current, ...(total === undefined ? {} : { total }) })
    return transfer
  }

  clear(): void {
    this.#all.clear()
  }

  /** Each sum in words: `containerd 2.5 MiB of 10.0 MiB`. */
  words(): string[] {
    return [...this.#all.values()].map(transfer => this.wordsOf(transfer))
  }

  /** One sum in words; its place is told where the exporter has several. */
  wordsOf(transfer: Transfer): string {
    const { current, total } = sumOf(transfer)
    const of = total === undefined ? '' : ` of ${formatSize(total)}`
    return `${this.#label(transfer)} ${formatSize(current)}${of}`
  }

  #label({ exporter, place, parts }: Transfer): string {
    if (exporter === undefined) {
      const [what = ''] = parts.keys()
      return parts.size === 1 ? visible(what) : formatCount(parts.size, 'transfer')
    }
    const several = [...this.#all.values()].filter(item => item.exporter === exporter).length > 1
    return visible(several && place !== undefined ? `${exporter} ${place}` : exporter)
  }
}

/** Bytes done and, when every part says how many it has, bytes to do. */
export function sumOf({ parts }: Pick<Transfer, 'parts'>): { current: number; total?: number } {
  let current = 0
  let total: number | undefined = 0
  for (const part of parts.values()) {
    current += part.current
    total = total === undefined || part.total === undefined ? undefined : total + part.total
  }
  return total === undefined ? { current } : { current, total }
}
