import type { Event } from '@orch/core'

/** The events that `--progress rawjson` wrote to standard error. */
export function eventsOf(stderr: string): readonly Event[] {
  return stderr
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as Event)
}

/** What was done and not remembered: compilers, compressors, and programs that ran. */
export function workOf(events: readonly Event[]): readonly string[] {
  return events.flatMap(event => {
    if (event.type === 'action' && !event.hit) return [event.kind]
    if (event.type === 'process' && event.command.includes('build'))
      return [event.command.join(' ')]
    return []
  })
}
