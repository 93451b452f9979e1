import type { Event } from '@orch/core'
import { expect, it } from 'vitest'
import { painter } from '../style.ts'
import { buildEvents, failedEvents } from '../testing/events.ts'
import { FakeOutput } from '../testing/fake-output.ts'
import { quietReporter } from './quiet.ts'
import { rawJsonReporter } from './rawjson.ts'

function quietLines(events: readonly Event[]): string[] {
  const stream = new FakeOutput()
  const { listener } = quietReporter(stream, painter(false))
  for (const event of events) listener(event)
  return stream.lines
}

it('quiet says nothing of a build that goes well', () => {
  expect(quietLines([...buildEvents(false), info('ready')])).toEqual([])
})

it('quiet says that something failed, and leaves the why to the end of the command', () => {
  expect(quietLines(failedEvents())).toEqual(['hello | failed [GO_BUILD_FAILED]'])
})

it('quiet shows warnings', () => {
  expect(quietLines([{ ...info('old base'), level: 'warning' }])).toEqual([
    'build | warning: old base',
  ])
})

it('rawjson writes every event as a line that reads back the same', () => {
  const stream = new FakeOutput()
  const { listener } = rawJsonReporter(stream)
  const events = [...buildEvents(false), info('a\nb\u009b31m\u001b[0m')]
  for (const event of events) listener(event)
  expect(stream.lines.map(line => JSON.parse(line))).toEqual(events)
  expect(stream.text).toMatch(/^[\n -~]*$/)
})

function info(message: string): Event & { type: 'log' } {
  return { at: 9, type: 'log', level: 'info', message }
}
