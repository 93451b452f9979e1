import type { Event } from '@orch/core'
import { formatDuration } from '../format.ts'
import type { Output, Paint } from '../style.ts'
import { visible } from '../text.ts'
import { exportedText, exportText, logLines, placedLine, type Reporter } from './reporter.ts'
import { BuildState, isCached } from './state.ts'
import { sumOf } from './transfers.ts'

// A stage in which nothing had to be done is worth a line only when it took this long.
const noteworthyMs = { idle: 10, cached: 1000 }
/** How often bytes on their way are told. */
const transferMs = 5000

/** Work that was seen since a stage began. */
interface Seen {
  ran: boolean
  hit: boolean
}

/** A line per finished stage of substance, prefixed with its place: for logs, and for grep. */
export function plainReporter(stream: Output, paint: Paint): Reporter {
  const state = new BuildState()
  const seen = new Map<string, Seen>()
  const failed = paint('red', 'failed')
  const told = new Set<string>()
  const transferTold = new WeakMap<object, number>()

  /** What happened in the place of this event since its stage began. */
  const seenAt = (event: Event): Seen => {
    const key = `${event.image} ${event.platform}`
    const found = seen.get(key) ?? { ran: false, hit: false }
    seen.set(key, found)
    return found
  }

  /** A sum that has grown for a while and is not whole yet: from the first bytes on, and not at every event. */
  const transferText = (event: Extract<Event, { type: 'progress' }>): string | undefined => {
    if (event.image === undefined) return undefined
    const { transfers } = state.row(event.image, event.platform)
    const transfer = transfers.apply(event) // The state has it already: this finds its sum.
    const { current, total } = sumOf(transfer)
    const since = transferTold.get(transfer) ?? transfer.began
    if (current === total || event.at - since < transferMs) return undefined
    transferTold.set(transfer, event.at)
    return transfers.wordsOf(transfer)
  }

  /** What is to be said of an event, if anything. */
  const say = (event: Event): string | undefined => {
    switch (event.type) {
      case 'build.start':
        return startText(event.images, event.exports)
      case 'image.platforms':
        return `platforms ${event.platforms.map(visible).join(' ')}`
      case 'action':
        if (event.hit) seenAt(event).hit = true
        else seenAt(event).ran = true
        return undefined
      case 'process':
        seenAt(event).ran = true
        return undefined
      case 'stage.start':
        seen.delete(`${event.image} ${event.platform}`)
        return undefined
      case 'stage.done':
        return isOfSubstance(seenAt(event), event.milliseconds)
          ? `${event.stage} ${formatDuration(event.milliseconds)}`
          : undefined
      case 'stage.failed':
        return `${event.stage} ${failed} ${formatDuration(event.milliseconds)}`
      case 'target.done': {
        const cached = event.image !== undefined && isCached(state.row(event.image, event.platform))
        const word = paint('green', cached ? 'cached' : 'done')
        return `${word} ${event.digest} ${formatDuration(event.milliseconds)}`
      }
      case 'image.done':
        return `${paint('green', 'done')} ${event.digest} ${formatDuration(event.milliseconds)}`
      case 'image.failed': {
        // An image fails once per platform, mostly of one cause: that is one line.
        const key = `${event.image} ${event.code}`
        if (told.has(key)) return undefined
        told.add(key)
        return `${failed} [${visible(event.code)}]`
      }
      case 'progress':
        return transferText(event)
      case 'export.done':
        return `${visible(exportedText(event))} ${formatDuration(event.milliseconds)}`
      case 'export.failed':
        return `${visible(exportText(event))} ${failed} [${visible(event.code)}]`
      case 'build.done': {
        const word = event.ok ? paint('green', 'done') : failed
        return `${word} ${state.countWords()} ${formatDuration(event.milliseconds)}`
      }
      default:
        return undefined
    }
  }

  return {
    listener(event) {
      state.apply(event)
      if (event.type === 'log') stream.write(logLines(event, paint))
      const text = say(event)
      if (text !== undefined) stream.write(placedLine(event, text))
    },
    close() {},
  }
}

function startText(images: readonly string[], exports: readonly string[]): string {
  const to = exports.length === 0 ? '' : ` → ${exports.map(visible).join(', ')}`
  return `${images.map(visible).join(', ')}${to}`
}

function isOfSubstance({ ran, hit }: Seen, milliseconds: number): boolean {
  return ran || milliseconds >= (hit ? noteworthyMs.cached : noteworthyMs.idle)
}
