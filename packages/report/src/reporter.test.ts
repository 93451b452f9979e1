import { expect, it } from 'vitest'
import { createReporter, type ProgressMode } from './reporter.ts'
import { useColor } from './style.ts'
import { buildEvents } from './testing/events.ts'
import { FakeOutput } from './testing/fake-output.ts'

const terminal = { columns: 80, rows: 24 }
const xterm = { TERM: 'xterm-256color' }

async function outputOf(
  mode: ProgressMode,
  stream: FakeOutput,
  env: Record<string, string | undefined>,
): Promise<string> {
  const reporter = await createReporter(mode, { stream, env })
  for (const event of buildEvents(false)) reporter.listener(event)
  reporter.close()
  return stream.text
}

it('draws on a terminal', async () => {
  expect(await outputOf('auto', new FakeOutput(terminal), xterm)).toContain('✓')
})

it.each([
  ['a pipe', undefined, xterm],
  ['a terminal under CI', terminal, { ...xterm, CI: 'true' }],
  ['a dumb terminal', terminal, { TERM: 'dumb' }],
  ['a terminal without a size', { columns: 0, rows: 0 }, xterm],
])('writes plain lines to %s', async (_what, size, env) => {
  expect(await outputOf('auto', new FakeOutput(size), env)).toContain('hello linux/amd64 | compile')
})

it('draws when told to, and when CI is denied', async () => {
  expect(await outputOf('tty', new FakeOutput(terminal), { CI: 'true' })).toContain('✓')
  expect(await outputOf('auto', new FakeOutput(terminal), { CI: 'false' })).toContain('✓')
})

it.each(['plain', 'tty', 'quiet'] as const)(
  'writes no colour with NO_COLOR in mode %s',
  async mode => {
    const text = await outputOf(mode, new FakeOutput(terminal), { ...xterm, NO_COLOR: '1' })
    expect(text).not.toMatch(/\[\d+m/)
  },
)

it.each([
  [undefined, {}, false],
  [terminal, xterm, true],
  [terminal, { TERM: 'dumb' }, false],
  [terminal, { ...xterm, NO_COLOR: '1' }, false],
  [terminal, { ...xterm, NO_COLOR: '' }, true],
  [undefined, { FORCE_COLOR: '1' }, true],
  [undefined, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
  [terminal, { ...xterm, FORCE_COLOR: '0' }, false],
])('colours a stream of size %o with %o: %s', (size, env, colored) => {
  expect(useColor(new FakeOutput(size), env)).toBe(colored)
})

it('colours a pipe with FORCE_COLOR', async () => {
  const text = await outputOf('plain', new FakeOutput(), { FORCE_COLOR: '1' })
  expect(text).toContain('\u001b[32mdone\u001b[39m')
})
