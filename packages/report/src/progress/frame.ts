import { formatCount, formatDuration } from '../format.ts'
import type { Paint } from '../style.ts'
import { cut, visible } from '../text.ts'
import { placeText } from './reporter.ts'
import { type BuildState, isCached, type Row, type RowStatus } from './state.ts'

/** The room that a picture has, in characters and lines. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

const marks: Readonly<Record<RowStatus, string>> = {
  waiting: ' ',
  running: '›',
  done: '✓',
  failed: '✗',
  stopped: '-',
}
const styles = {
  waiting: 'dim',
  running: 'cyan',
  done: 'green',
  failed: 'red',
  stopped: 'yellow',
} as const satisfies Record<RowStatus, string>
/** What must stay to be seen when there is no room for everything: the least number first. */
const urgency: Readonly<Record<RowStatus, number>> = {
  failed: 0,
  running: 1,
  stopped: 2,
  waiting: 3,
  done: 4,
}

/** The picture of a running build in no more lines than there is room for; what is least urgent is folded. */
export function liveFrame(state: BuildState, now: number, size: Size, paint: Paint): string[] {
  const rows = state.rows()
  const drawn = rows.filter(row => row.platform !== undefined || !isImplied(row, rows))
  // The footer takes a line, and the cursor stands on one below.
  const room = Math.max(0, size.rows - 2)
  const folded = fold(drawn, room)
  const lines = drawRows(folded.shown, now, size.columns, paint)
  if (folded.rest.length > 0 && room > 0)
    lines.push(paint('dim', cut(restText(folded.rest), size.columns)))
  lines.push(paint('dim', cut(footerText(state, now), size.columns)))
  return lines
}

/** The picture that remains: every row, and how the build ended. */
export function finalFrame(
  state: BuildState,
  now: number,
  columns: number,
  paint: Paint,
): string[] {
  const ok = state.outcome?.ok
  const word = ok === undefined ? 'stopped' : ok ? 'done' : 'failed'
  const time = formatDuration(state.outcome?.milliseconds ?? now)
  const end = `${marks[word]} ${word}: ${state.countWords()}, ${time}`
  return [...drawRows(state.rows(), now, columns, paint), paint(styles[word], cut(end, columns))]
}

/** An image in no stage of its own needs no row beside those of its targets. */
function isImplied({ image, status, stage }: Row, rows: readonly Row[]): boolean {
  const between = status === 'waiting' || (status === 'running' && stage === undefined)
  return between && rows.some(row => row.image === image && row.platform !== undefined)
}

function fold(rows: readonly Row[], room: number): { shown: Row[]; rest: Row[] } {
  if (rows.length <= room) return { shown: [...rows], rest: [] }
  const urgent = rows.toSorted((a, b) => urgency[a.status] - urgency[b.status])
  const kept = new Set(urgent.slice(0, Math.max(0, room - 1)))
  return { shown: rows.filter(row => kept.has(row)), rest: rows.filter(row => !kept.has(row)) }
}

function restText(rest: readonly Row[]): string {
  const counts = new Map<RowStatus, number>()
  for (const { status } of rest) counts.set(status, (counts.get(status) ?? 0) + 1)
  return `  … ${rest.length} more: ${[...counts].map(([status, count]) => `${count} ${status}`).join(', ')}`
}

function footerText(state: BuildState, now: number): string {
  const targets = state.rows().filter(row => row.platform !== undefined)
  if (targets.length === 0) return `  ${formatDuration(now)}`
  const ended = targets.filter(row => row.ended !== undefined).length
  return `  ${ended}/${formatCount(targets.length, 'target')} ${formatDuration(now)}`
}

function drawRows(rows: readonly Row[], now: number, columns: number, paint: Paint): string[] {
  const places = rows.map(placeText)
  const texts = rows.map(rowText)
  const placeWidth = widest(places, Math.floor(columns / 2))
  const textWidth = widest(texts, columns - placeWidth - 14)
  return rows.map((row, at) => {
    const place = cut(places[at] ?? '', placeWidth).padEnd(placeWidth)
    const text = cut(texts[at] ?? '', textWidth).padEnd(textWidth)
    const time = row.began === undefined ? '' : formatDuration((row.ended ?? now) - row.began)
    const line = cut(`${place}  ${text}  ${time.padStart(7)}`, columns - 2).trimEnd()
    return `${paint(styles[row.status], marks[row.status])} ${line}`
  })
}

function widest(texts: readonly string[], limit: number): number {
  return Math.max(0, Math.min(limit, Math.max(0, ...texts.map(text => [...text].length))))
}

function rowText(row: Row): string {
  const notes = [...row.notes].map(visible).join(', ')
  switch (row.status) {
    case 'running':
      return [
        row.stage === 'resolvePlatforms' ? 'platforms' : (row.stage ?? ''),
        row.transfers.words().join(', '),
      ]
        .filter(text => text !== '')
        .join('  ')
    case 'done':
      return isCached(row) ? 'cached' : notes
    case 'failed':
      return `failed ${notes}`.trimEnd()
    default:
      return row.status
  }
}
