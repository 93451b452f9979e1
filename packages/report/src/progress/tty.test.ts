import type { Event } from '@orch/core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { painter } from '../style.ts'
import { buildEvents, failedEvents, startEvents } from '../testing/events.ts'
import { FakeOutput } from '../testing/fake-output.ts'
import { screenOf } from '../testing/screen.ts'
import { ttyReporter } from './tty.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

async function start(size = { columns: 60, rows: 12 }) {
  const stream = new FakeOutput(size)
  const reporter = await ttyReporter(stream, painter(false))
  return {
    stream,
    close: reporter.close,
    play: (events: readonly Event[]) => events.forEach(event => void reporter.listener(event)),
    screen: () => screenOf(stream.text),
  }
}

it('has a line per target with its stage and the time it has taken so far', async () => {
  const { play, screen } = await start()
  play(startEvents())
  vi.advanceTimersByTime(1200)
  expect(screen()).toEqual([
    '› hello linux/amd64  compile     1.2s',
    '› hello linux/arm64  compile     1.2s',
    '  0/2 targets 1.2s',
  ])
})

it('leaves a last picture', async () => {
  const { play, screen, close } = await start()
  const events = buildEvents(false)
  play(events.slice(0, 12))
  vi.advanceTimersByTime(300)
  play(events.slice(12))
  const last = [
    '✓ hello linux/amd64                        1.3s',
    '✓ hello linux/arm64                        1.3s',
    '✓ hello              layout dist/hello     1.3s',
    '✓ done: 1 image, 1.3s',
  ]
  expect(screen()).toEqual(last)
  vi.advanceTimersByTime(1000)
  close()
  expect(screen()).toEqual(last)
})

it('calls a target cached when nothing ran for it', async () => {
  const { play, screen } = await start()
  play(buildEvents(true))
  expect(screen()[0]).toMatch(/^✓ hello linux\/amd64 {2}cached +78ms$/)
})

it('shows what failed', async () => {
  const { play, screen } = await start()
  play(failedEvents())
  expect(screen()).toEqual([
    '✗ hello linux/amd64  failed compile            800ms',
    '✗ hello linux/arm64  failed compile            800ms',
    '✗ hello              failed GO_BUILD_FAILED    803ms',
    '✗ failed: 1 image, 805ms',
  ])
})

it('shows what was stopped when the build ends early', async () => {
  const { play, screen, close } = await start()
  play(startEvents())
  vi.advanceTimersByTime(500)
  close()
  expect(screen()).toEqual([
    '- hello linux/amd64  stopped    500ms',
    '- hello linux/arm64  stopped    500ms',
    '- hello              stopped    502ms',
    '- stopped: 1 image, 503ms',
  ])
})

it('puts logs above the picture, and after it once it is final', async () => {
  const { play, screen, close } = await start()
  play(startEvents())
  vi.advanceTimersByTime(200)
  play([
    { at: 210, type: 'log', level: 'warning', image: 'hello', message: 'an \u001b[2Jold base' },
  ])
  vi.advanceTimersByTime(200)
  expect(screen()).toEqual([
    'hello | warning: an \\x1b[2Jold base',
    '› hello linux/amd64  compile    407ms',
    '› hello linux/arm64  compile    407ms',
    '  0/2 targets 410ms',
  ])
  close()
  play([{ at: 500, type: 'log', level: 'info', message: 'closed' }])
  expect(screen().at(-1)).toBe('build | closed')
})

it('shows bytes on their way', async () => {
  const { play, screen } = await start()
  const image = 'hello'
  play([
    { at: 0, type: 'stage.start', image, stage: 'export' },
    { at: 1, type: 'progress', image, what: 'push', current: 2_621_440, total: 10_485_760 },
  ])
  vi.advanceTimersByTime(100)
  expect(screen()[0]).toBe('› hello  export  push 2.5 MiB of 10.0 MiB    101ms')
  expect(screen()[1]).toBe('  101ms') // A copy has no targets to be counted.
})

it('adds up blobs that are on their way at once, by exporter and place', async () => {
  const { play, screen } = await start({ columns: 120, rows: 24 })
  const image = 'hello'
  const sent = (place: string, what: string, current: number, total: number): Event => {
    const exporter = 'containerd'
    return { at: 1, type: 'progress', image, exporter, place, what, current, total }
  }
  const MiB = 1_048_576
  play([
    { at: 0, type: 'stage.start', image, stage: 'export' },
    sent('/a', 'sha256:1', 0, 10 * MiB),
    sent('/a', 'sha256:2', 2 * MiB, 20 * MiB),
    sent('/a', 'sha256:1', MiB, 10 * MiB),
  ])
  vi.advanceTimersByTime(100)
  expect(screen()[0]).toMatch(/› hello {2}export {2}containerd 3\.0 MiB of 30\.0 MiB +101ms/)
  play([sent('/b', 'sha256:1', 512, 10 * MiB)])
  vi.advanceTimersByTime(100)
  expect(screen()[0]).toContain(
    'containerd /a 3.0 MiB of 30.0 MiB, containerd /b 512 B of 10.0 MiB ',
  )
})

it.each([2, 3, 10])('fits a terminal of %d lines, folding finished targets first', async rows => {
  const { play, screen, stream } = await start({ columns: 60, rows })
  const platforms = Array.from({ length: 40 }, (_, at) => `linux/p${at}`)
  const image = 'hello'
  play([{ at: 0, type: 'image.platforms', image, platforms }])
  for (const platform of platforms.slice(0, 35))
    play([{ at: 1, type: 'stage.start', image, platform, stage: 'compile' }])
  for (const platform of platforms.slice(0, 33))
    play([
      { at: 2, type: 'target.done', image, platform, digest: 'sha256:0' as never, milliseconds: 1 },
    ])
  vi.advanceTimersByTime(1000)
  expect(screen().length).toBeLessThan(rows)
  expect(screen().at(-1)).toMatch(/^ {2}33\/40 targets/)
  if (rows === 10) {
    const text = screen().join('\n')
    expect(text).toMatch(/› hello linux\/p33 .*\n› hello linux\/p34 /)
    expect(text).toContain('  … 33 more: 33 done')
  }
  expect(stream.text).not.toContain('\u001b[?25l')
})

it('fits a narrow terminal, and a name that is far too long', async () => {
  const { play, screen } = await start({ columns: 24, rows: 10 })
  play([
    { at: 0, type: 'stage.start', image: 'x'.repeat(100), platform: 'linux/a', stage: 'manifest' },
  ])
  vi.advanceTimersByTime(100)
  for (const line of screen()) expect(line.length).toBeLessThan(24)
})

it('draws nothing when nothing was built', async () => {
  const { close, stream } = await start()
  close()
  expect(stream.text).toBe('')
})
