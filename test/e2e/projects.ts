import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../kit/exec.ts'
import { goProject } from '../kit/go-project.ts'
import { tempFolder } from '../kit/temp.ts'

export const regclientImages: readonly string[] = ['regbot', 'regctl', 'regsync']
export const regclientPlatforms: readonly string[] = [
  'linux/amd64',
  'linux/arm64',
  'linux/arm/v7',
  'windows/amd64',
]

/** The real project with three commands, as a git repository at its tag, with an orch.yaml. */
export async function regclientProject(): Promise<string> {
  const folder = await goProject()
  await writeFile(
    join(folder, 'orch.yaml'),
    [
      `platforms: [${regclientPlatforms.join(', ')}]`,
      'images:',
      ...regclientImages.flatMap(name => [
        `  ${name}:`,
        `    build: {go: ./cmd/${name}, ldflags: [-s, -w], flags: [-buildvcs=true]}`,
        `    tags: ["example.com/regclient/${name}:v0.11.7"]`,
        '    labels: {org.opencontainers.image.licenses: Apache-2.0}',
      ]),
      '',
    ].join('\n'),
  )
  // What a build writes must not make the tree dirty: Go stamps that into the program.
  await writeFile(join(folder, '.gitignore'), 'dist/\n')
  await commitAll(folder, 'v0.11.7')
  return folder
}

/** The example that `npm start` builds, in a folder of its own. */
export async function helloProject(): Promise<string> {
  const folder = join(await tempFolder('hello'), 'hello')
  await cp(example('hello'), folder, { recursive: true, filter: path => !path.endsWith('/dist') })
  return folder
}

/** The folder of an example. */
export function example(name: string): string {
  return fileURLToPath(new URL(`../../examples/${name}`, import.meta.url))
}

/** Makes the folder a git repository whose one commit, and so its name, depends on the files alone. */
async function commitAll(folder: string, tag: string): Promise<void> {
  const who = { NAME: 'test', EMAIL: 'test@example.com', DATE: '2026-01-02T03:04:05Z' }
  const env = Object.fromEntries(
    Object.entries(who).flatMap(([key, value]) => [
      [`GIT_AUTHOR_${key}`, value],
      [`GIT_COMMITTER_${key}`, value],
    ]),
  )
  const git = (...args: string[]): Promise<string> => run('git', ['-C', folder, ...args], { env })
  await git('init', '--quiet')
  await git('add', '--all', '--force')
  await git('commit', '--quiet', '--message', tag)
  await git('tag', tag)
}

/** A project of one image without a compiler: the files named by `files`, on scratch, for linux/amd64. */
export async function filesProject(
  files: readonly string[],
  more: readonly string[] = [],
): Promise<string> {
  const folder = await tempFolder('files')
  await writeFile(join(folder, 'go.mod'), 'module example.com/tiny\n\ngo 1.24\n')
  await writeFile(join(folder, 'main.go'), 'package main\n\nfunc main() { println("tiny") }\n')
  await writeFile(
    join(folder, 'orch.yaml'),
    [
      'platforms: [linux/amd64]',
      'images:',
      '  tiny:',
      '    build: {go: .}',
      '    base: scratch',
      ...(files.length === 0 ? [] : ['    files:', ...files.map(item => `      - ${item}`)]),
      ...more,
      '',
    ].join('\n'),
  )
  return folder
}
