import type { Event } from '@orch/core'
import { expect, it } from 'vitest'
import { painter } from '../style.ts'
import { buildEvents, failedEvents, indexDigest, manifestDigest } from '../testing/events.ts'
import { FakeOutput } from '../testing/fake-output.ts'
import { plainReporter } from './plain.ts'

function linesOf(events: readonly Event[]): string[] {
  const stream = new FakeOutput()
  const { listener, close } = plainReporter(stream, painter(false))
  for (const event of events) listener(event)
  close()
  return stream.lines
}

it('says what was done in each place, a line per stage of substance', () => {
  expect(linesOf(buildEvents(false))).toEqual([
    'build | hello → layout',
    'hello | platforms linux/amd64 linux/arm64',
    'hello linux/amd64 | compile 1.2s',
    'hello linux/amd64 | layer 60ms',
    `hello linux/amd64 | done ${manifestDigest} 1.3s`,
    'hello linux/arm64 | compile 1.2s',
    'hello linux/arm64 | layer 60ms',
    `hello linux/arm64 | done ${manifestDigest} 1.3s`,
    `hello | done ${indexDigest} 1.3s`,
    'hello | layout dist/hello 8ms',
    'build | done 1 image 1.3s',
  ])
})

it('has one line for a target for which nothing ran', () => {
  expect(linesOf(buildEvents(true)).filter(line => line.startsWith('hello linux/amd64'))).toEqual([
    `hello linux/amd64 | cached ${manifestDigest} 78ms`,
  ])
})

it('says which stage failed, and the code once though every platform failed of it', () => {
  expect(linesOf(failedEvents()).slice(2)).toEqual([
    'hello linux/amd64 | compile failed 800ms',
    'hello linux/arm64 | compile failed 800ms',
    'hello | failed [GO_BUILD_FAILED]',
    'build | failed 1 image 805ms',
  ])
})

it('says which exporter failed', () => {
  const failed: Event = {
    at: 5,
    type: 'export.failed',
    image: 'hello',
    exporter: 'layout',
    code: 'DISK_FULL',
    message: 'no room',
  }
  expect(linesOf([failed])).toEqual(['hello | layout failed [DISK_FULL]'])
})

it('says which of two exports by one exporter failed', () => {
  const place = '/run/b.sock'
  const code = 'CONTAINERD_UNREACHABLE'
  expect(
    linesOf([
      { at: 5, type: 'export.failed', image: 'hello', exporter: 'x', place, code, message: 'gone' },
    ]),
  ).toEqual([`hello | x ${place} failed [${code}]`])
})

it('says which of two exports by one exporter is done', () => {
  const done = (location: string, place: string): Event => {
    const result = { exporter: 'x', image: 'hello', digest: indexDigest, location, names: [] }
    return { at: 5, type: 'export.done', image: 'hello', result, place, milliseconds: 8 }
  }
  expect(
    linesOf([done('hello:1', '/a.sock'), done('hello:1', '/b.sock'), done('/w/c', 'c')]),
  ).toEqual([
    'hello | x /a.sock hello:1 8ms',
    'hello | x /b.sock hello:1 8ms',
    'hello | x /w/c 8ms',
  ])
})

it('says every few seconds how many bytes an export has sent', () => {
  const sent = (at: number, what: string, current: number): Event => {
    const image = 'hello'
    return { at, type: 'progress', image, exporter: 'x', what, current, total: 2048 }
  }
  const events = [sent(0, 'a', 0), sent(0, 'b', 0), sent(4999, 'a', 512), sent(5000, 'b', 512)]
  expect(linesOf(events)).toEqual(['hello | x 1.0 KiB of 4.0 KiB'])
  expect(linesOf([...events, sent(9000, 'a', 2048), sent(10_000, 'b', 1024)])).toEqual([
    'hello | x 1.0 KiB of 4.0 KiB',
    'hello | x 3.0 KiB of 4.0 KiB',
  ])
  expect(linesOf([...events.slice(0, 2), sent(9000, 'a', 2048), sent(9001, 'b', 2048)])).toEqual([
    'hello | x 2.0 KiB of 4.0 KiB',
  ])
})

it('puts the place before every line of a log and shows control characters', () => {
  const log: Event = {
    at: 5,
    type: 'log',
    level: 'warning',
    image: 'hello',
    message: 'one\n\u001b[2Jtwo',
  }
  expect(linesOf([log, { at: 6, type: 'log', level: 'info', message: 'three' }])).toEqual([
    'hello | warning: one',
    'hello | warning: \\x1b[2Jtwo',
    'build | three',
  ])
})

it('mentions remembered work that took long, and short work that ran', () => {
  const place = { image: 'hello', platform: 'linux/amd64' }
  const stage = { ...place, stage: 'layer' } as const
  const action = { type: 'action', kind: 'compress', key: 'k', milliseconds: 1 } as const
  const lines = linesOf([
    { at: 0, type: 'stage.start', ...stage },
    { at: 0, ...action, ...place, hit: true },
    { at: 2000, type: 'stage.done', ...stage, milliseconds: 2000 },
    { at: 2000, type: 'stage.start', ...stage },
    { at: 2000, ...action, ...place, hit: false },
    { at: 2003, type: 'stage.done', ...stage, milliseconds: 3 },
  ])
  expect(lines).toEqual(['hello linux/amd64 | layer 2.0s', 'hello linux/amd64 | layer 3ms'])
})

it('calls no target cached for which some of the work ran', () => {
  let hit = false
  const events = buildEvents(true).map(event => {
    if (event.type !== 'action') return event
    hit = !hit
    return { ...event, hit }
  })
  const target = linesOf(events).filter(line => line.startsWith('hello linux/amd64'))
  expect(target).toEqual([
    'hello linux/amd64 | layer 60ms',
    `hello linux/amd64 | done ${manifestDigest} 78ms`,
  ])
})
