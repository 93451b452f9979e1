import type { Outcome } from './exec.ts'

const few = 8
const characters = 2_000
/** What the programs said that ended last in the test that runs now. */
const last: string[] = []

/** Remembers how a program ended: the test says it if it fails, since what it looked at may say less. */
export function remember(command: readonly string[], { exitCode, stdout, stderr }: Outcome): void {
  const said = [stdout, stderr].map(text => text.trim().slice(-characters))
  const lines = [`${command.join(' ')}: exit code ${exitCode}`, ...said.filter(text => text !== '')]
  last.push(lines.join('\n'))
  if (last.length > few) last.shift()
}

// For every test of a test file, which has its own copy of this module; see cleanup.ts.
if (process.env['VITEST'] !== undefined) {
  const { afterEach } = await import('vitest')
  afterEach(({ task }) => {
    const said = last.splice(0)
    const [error] = task.result?.errors ?? []
    if (error !== undefined) error.message = [error.message, ...said].join('\n')
  })
}
