import type { Event, StageName } from '@orch/core'
import { formatCount } from '../format.ts'
import { exportedText, exportText } from './reporter.ts'
import { Transfers } from './transfers.ts'

/** What became of the work in one place. */
export type RowStatus = 'waiting' | 'running' | 'done' | 'failed' | 'stopped'

/** The work in one place: a target, or an image as a whole. Times are milliseconds since the build began. */
export interface Row {
  readonly image: string
  /** Undefined for the image as a whole. */
  readonly platform: string | undefined
  status: RowStatus
  stage: StageName | undefined
  began: number | undefined
  ended: number | undefined
  /** Remembered work: how often it was at hand, how often it had to be done. */
  hits: number
  misses: number
  /** What is to be said of it at the end: where it was exported to, the stage or the code of a failure. */
  readonly notes: Set<string>
  /** Bytes on their way, while the stage lasts. */
  readonly transfers: Transfers
}

/** Whether nothing had to be done: every piece of remembered work was at hand. */
export function isCached(row: Row): boolean {
  return row.status === 'done' && row.hits > 0 && row.misses === 0
}

/** The picture of a build, made from its events one by one. */
export class BuildState {
  /** Images in the order of the plan. */
  readonly #images = new Map<string, Map<string | undefined, Row>>()
  outcome: { ok: boolean; milliseconds: number } | undefined

  /** `3 images`, or how many of them failed. */
  countWords(): string {
    const images = [...this.#images.values()]
    const failed = images.filter(rows => [...rows.values()].some(row => row.status === 'failed'))
    const all = formatCount(images.length, 'image')
    return failed.length === 0 || images.length === 1 ? all : `${failed.length} of ${all}`
  }

  /** Every row: an image's targets in the order of its platforms, then the image itself. */
  rows(): Row[] {
    return [...this.#images.values()].flatMap(rows => {
      const whole = rows.get(undefined)
      const targets = [...rows.values()].filter(row => row.platform !== undefined)
      return whole === undefined ? targets : [...targets, whole]
    })
  }

  /** The row of a place; made when it is new. */
  row(image: string, platform?: string): Row {
    const rows = this.#images.get(image) ?? new Map<string | undefined, Row>()
    this.#images.set(image, rows)
    const row = rows.get(platform) ?? newRow(image, platform)
    rows.set(platform, row)
    return row
  }

  apply(event: Event): void {
    if (event.type === 'build.start') for (const image of event.images) this.row(image)
    if (event.type === 'build.done') {
      this.outcome = { ok: event.ok, milliseconds: event.milliseconds }
      this.stop(event.at)
    }
    if (event.image === undefined) return
    if (event.type === 'image.platforms')
      for (const platform of event.platforms) this.row(event.image, platform)
    applyToRow(this.row(event.image, event.platform), event)
  }

  /** Ends what has not ended: the build is over. */
  stop(at: number): void {
    for (const row of this.rows()) {
      if (row.status !== 'waiting' && row.status !== 'running') continue
      end(row, 'stopped', at)
    }
  }
}

function newRow(image: string, platform: string | undefined): Row {
  return {
    image,
    platform,
    status: 'waiting',
    stage: undefined,
    began: undefined,
    ended: undefined,
    hits: 0,
    misses: 0,
    notes: new Set(),
    transfers: new Transfers(),
  }
}

/** Whether nothing follows in the place of an image. */
function isLast(stage: StageName): boolean {
  return stage === 'export' || stage === 'fetch'
}

function applyToRow(row: Row, event: Event): void {
  switch (event.type) {
    case 'stage.start':
      row.began ??= event.at
      row.stage = event.stage
      if (row.status === 'waiting') row.status = 'running'
      break
    case 'stage.done':
      row.stage = undefined
      row.transfers.clear()
      if (isLast(event.stage) && row.status === 'running') end(row, 'done', event.at)
      break
    case 'stage.failed':
      end(row, 'failed', event.at)
      row.notes.add(event.stage)
      break
    case 'target.done':
      end(row, 'done', event.at)
      break
    case 'image.failed':
    case 'export.failed':
      end(row, 'failed', event.at)
      row.notes.add(
        event.type === 'export.failed' ? `${exportText(event)} ${event.code}` : event.code,
      )
      break
    case 'export.done':
      row.notes.add(exportedText(event))
      break
    case 'action':
      if (event.hit) row.hits += 1
      else row.misses += 1
      break
    case 'progress':
      row.transfers.apply(event)
      break
  }
}

function end(row: Row, status: RowStatus, at: number): void {
  row.status = status
  row.stage = undefined
  row.transfers.clear()
  row.ended = at
}
