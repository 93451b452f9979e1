import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { UsageError } from '@orch/oci'
import type { Command } from 'commander'
import type { Runner } from '../runner.ts'
import type { Session } from '../session.ts'

/** `orch init`: a project file for the Go commands that are here. */
export function addInit(program: Command, run: Runner): void {
  program
    .command('init')
    .description('write an orch.yaml for the Go commands found here')
    .action(run(init))
}

async function init(session: Session): Promise<number> {
  const { cwd } = session
  const file = join(cwd, 'orch.yaml')
  const commands = await goCommands(cwd)
  const text = projectFile(commands.length === 0 ? [{ name: 'app', path: './cmd/app' }] : commands)
  try {
    await writeFile(file, text, { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new UsageError('INIT_EXISTS', `${file} is there already`, {
      hint: 'Edit it, or remove it first.',
    })
  }
  const found = commands.map(item => item.name).join(', ')
  session.print(`wrote ${file}: ${found || 'an example, for no Go command was found here'}`)
  if (await ignoreOutput(cwd))
    session.print('added dist/ to .gitignore: Go stamps an unclean tree into programs')
  session.print(
    found === '' ? 'next: name your command after go:, then orch build' : 'next: orch build',
  )
  return 0
}

/** Keeps what builds write from making the tree unclean. Only where there is a git repository or a .gitignore. */
async function ignoreOutput(cwd: string): Promise<boolean> {
  const here = await readdir(cwd)
  if (!here.includes('.git') && !here.includes('.gitignore')) return false
  const file = join(cwd, '.gitignore')
  const before = here.includes('.gitignore') ? await readFile(file, 'utf8') : ''
  if (/^\/?dist\/?$/m.test(before)) return false
  const gap = before === '' || before.endsWith('\n') ? '' : '\n'
  await appendFile(file, `${gap}dist/\n`)
  return true
}

interface GoCommand {
  readonly name: string
  readonly path: string
}

/** The main packages at `.` and below `cmd/`. */
async function goCommands(cwd: string): Promise<readonly GoCommand[]> {
  const found: GoCommand[] = []
  if (await isMain(cwd)) found.push({ name: imageName(basename(cwd)), path: '.' })
  const folders = await readdir(join(cwd, 'cmd'), { withFileTypes: true }).catch(() => [])
  for (const folder of folders
    .filter(item => item.isDirectory())
    .sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (await isMain(join(cwd, 'cmd', folder.name))) {
      found.push({ name: imageName(folder.name), path: `./cmd/${folder.name}` })
    }
  }
  return unique(found)
}

/** Two folders may ask for one name: the second gets a number. */
function unique(commands: readonly GoCommand[]): readonly GoCommand[] {
  const taken = new Set<string>()
  return commands.map(({ name, path }) => {
    let own = name
    for (let number = 2; taken.has(own); number += 1) own = `${name}-${number}`
    taken.add(own)
    return { name: own, path }
  })
}

async function isMain(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names) {
    if (!name.endsWith('.go') || name.endsWith('_test.go')) continue
    const text = await readFile(join(folder, name), 'utf8')
    if (/^package main\b/m.test(text) && !/^\/\/go:build ignore$/m.test(text)) return true
  }
  return false
}

function imageName(text: string): string {
  return (
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'app'
  )
}

function projectFile(commands: readonly GoCommand[]): string {
  const images = commands.flatMap(({ name, path }) => [
    `  ${name}:`,
    `    build: {go: ${path}}`,
    `    tags: ["example.com/${name}:dev"]`,
  ])
  return [
    '# `orch plan` prints what this means; `orch config schema` prints all keys.',
    'platforms: [linux/amd64, linux/arm64]',
    'images:',
    ...images,
    '',
  ].join('\n')
}
