import type { Output, Paint } from '../style.ts'
import { finalFrame, liveFrame, type Size } from './frame.ts'
import { logLines, type Reporter } from './reporter.ts'
import { BuildState } from './state.ts'

const redrawMs = 100

/**
 * A line per target, redrawn in place; logs go above it, and a last picture remains. What measures text on
 * a terminal is loaded only here: it takes longer than all else that a short command does.
 */
export async function ttyReporter(stream: Output, paint: Paint): Promise<Reporter> {
  const { createLogUpdate } = await import('log-update')
  const state = new BuildState()
  // The cursor stays visible, so that no way to die leaves a terminal without one.
  const draw = createLogUpdate(stream, { showCursor: true })
  let latest = { at: 0, wall: performance.now() }
  let timer: NodeJS.Timeout | undefined
  let closed = false

  const now = (): number => latest.at + performance.now() - latest.wall
  const redraw = (): void => {
    if (hasSize(stream)) draw(liveFrame(state, now(), sizeOf(stream), paint).join('\n'))
  }

  const finish = (): void => {
    if (closed) return
    closed = true
    clearInterval(timer)
    draw.clear()
    draw.done()
    if (state.rows().length === 0) return
    state.stop(now())
    stream.write(`${finalFrame(state, now(), sizeOf(stream).columns, paint).join('\n')}\n`)
  }

  return {
    listener(event) {
      latest = { at: event.at, wall: performance.now() }
      state.apply(event)
      if (event.type === 'log') {
        draw.clear()
        stream.write(logLines(event, paint))
        if (timer !== undefined && !closed) redraw()
      }
      if (event.type === 'build.done') finish()
      if (!closed && timer === undefined) timer = setInterval(redraw, redrawMs).unref()
    },
    close: finish,
  }
}

/** A pseudo-terminal that nobody sized says 0 × 0: nothing can be redrawn there. */
export function hasSize({ columns = 80, rows = 24 }: Output): boolean {
  return columns > 0 && rows > 0
}

/** The last column stays free: some terminals break the line after it. */
function sizeOf({ columns = 80, rows = 24 }: Output): Size {
  return { columns: columns - 1, rows }
}
