import type { Event, ExportPlace, Listener, Place } from '@orch/core'
import type { Paint } from '../style.ts'
import { visible, visibleLines } from '../text.ts'

/** Shows the events of a build. */
export interface Reporter {
  /** Give it to `events.subscribe`. It does not throw. */
  readonly listener: Listener
  /** Ends what is drawn. Call it when the build is over, however it ended; calling it again does nothing. */
  close(): void
}

/** `api linux/arm64`, `api`, or nothing: where an event belongs. */
export function placeText({
  image,
  platform,
}: Partial<Record<keyof Place, string | undefined>>): string {
  return [image, platform]
    .filter(item => item !== undefined)
    .map(visible)
    .join(' ')
}

/** `layout`, or `containerd /run/a.sock` where the exporter has several exports. */
export function exportText({ exporter, place }: ExportPlace): string {
  return place === undefined ? exporter : `${exporter} ${place}`
}

/** The same with where the image is now: a place that this says again is left out. */
export function exportedText({ result, place }: Extract<Event, { type: 'export.done' }>): string {
  const { exporter, location } = result
  const isSaid = place === undefined || location.includes(place)
  return `${exportText(isSaid ? { exporter } : { exporter, place })} ${location}`
}

/** One whole line, `api linux/arm64 | text`: the form of plain progress, stable for grep. */
export function placedLine(place: Place, text: string): string {
  const where = placeText(place)
  return `${where === '' ? 'build' : where} | ${text}\n`
}

/** A log event as whole lines, each with its place before it. */
export function logLines(event: Extract<Event, { type: 'log' }>, paint: Paint): string {
  const word = event.level === 'warning' ? `${paint('yellow', 'warning:')} ` : ''
  return visibleLines(event.message)
    .map(line => placedLine(event, `${word}${line}`))
    .join('')
}
