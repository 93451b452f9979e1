import { expect, it, onTestFinished } from 'vitest'
import { catchInterruption } from '../interrupt.ts'
import { createProgram } from '../program.ts'

/** What a command line prints, its end kept from the process. */
async function printed(...args: string[]): Promise<string> {
  const interruption = catchInterruption()
  onTestFinished(() => interruption.release())
  const program = createProgram(interruption, { exitCode: 0 })
  let text = ''
  const write = (part: string): void => {
    text += part
  }
  for (const command of [program, ...program.commands])
    command
      .configureOutput({ writeOut: write, writeErr: write, getOutHelpWidth: () => 80 })
      .exitOverride()
  await expect(program.parseAsync(args, { from: 'user' })).rejects.toThrow()
  return text
}

it.each(['build', 'copy'])('the help of %s has the options of every exporter', async name => {
  const help = await printed(name, '--help')
  expect(help).toMatch(/^ {2}docker {10}host, context, platforms, names$/m)
  expect(help).toMatch(/^ {2}registry {8}repository, /m)
})

it('the help of load has those of the runtimes', async () => {
  const help = await printed('load', '--help')
  expect(help).toMatch(/^ {2}docker {6}host, /m)
  expect(help).not.toContain('oci-archive')
})

it.each([
  ['build', '--load', 'orch load'],
  ['load', '--push', '-e registry'],
  ['build', '-o', '-e layout'],
  ['build', '--output=type=docker', '-e layout'],
])(
  '%s %s, as other builders have it, is answered with what does the same',
  async (command, option, hint) => {
    const text = await printed(command, option)
    expect(text).toContain(`error: unknown option '${option}'\n`)
    expect(text).toContain(hint)
    expect(text).toContain(`(orch ${command} --help lists its options)`)
  },
)

it('another unknown option is answered as ever', async () => {
  expect(await printed('build', '--tags')).toContain('(Did you mean --tag?)')
})
