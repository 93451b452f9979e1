import type { Command } from 'commander'

/** What other builders call by other names. */
const elsewhere = new Map([
  ['--load', 'To load images: orch load, or orch build -e docker.'],
  ['--push', 'To push images: orch build -e registry.'],
  ['--output', 'To say where images go: orch build -e layout, or another exporter.'],
])

/** Lets an unknown option that other builders have be answered with what does the same here. */
export function addElsewhere(command: Command): Command {
  return command.configureOutput({
    outputError: (text, write) => {
      const [, option = ''] = /^error: unknown option '(--\w+|-o)/.exec(text) ?? []
      const hint = elsewhere.get(option === '-o' ? '--output' : option)
      write(hint === undefined ? text : `${text.split('\n', 1)[0]}\n${hint}\n`)
    },
  })
}
