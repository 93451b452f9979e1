/**
 * Installs the Go programs of test/kit/tools.ts that are missing. What cannot be installed is named, and
 * that is no failure: the tests that need it say that they were skipped.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { toolFolder, tools, toolsFolder } from '../test/kit/tools.ts'

const unfinished = '.unfinished-'
const names = (Object.keys(tools) as (keyof typeof tools)[]).filter(
  name => !existsSync(toolFolder(name)),
)
const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    process.exitCode = 128 + constants.signals[signal]
    interrupt.abort()
  })

if (names.length > 0) await removeAbandoned()
for (const name of names) {
  const { version } = tools[name]
  console.log(`Installing ${name} ${version}…`)
  try {
    await install(name)
  } catch (error) {
    if (interrupt.signal.aborted) break
    const { stderr = '' } = error as { stderr?: string }
    console.error(stderr.trim().split('\n').slice(-3).join('\n') || String(error))
    console.error(`Could not install ${name} ${version}.`)
  }
}

/** All commands of a tool or none: a folder is given its name when everything is in it. */
async function install(name: keyof typeof tools): Promise<void> {
  const { version, module, commands } = tools[name]
  await mkdir(toolsFolder, { recursive: true })
  const folder = await mkdtemp(join(toolsFolder, unfinished))
  try {
    // GOBIN is refused for other platforms than this one.
    const { GOOS: _os, GOARCH: _arch, ...env } = process.env
    await promisify(execFile)(
      'go',
      ['install', ...commands.map(command => `${module}/${command}@v${version}`)],
      {
        cwd: folder,
        env: { ...env, CGO_ENABLED: '0', GOBIN: folder },
        // dockerd takes three minutes on two cores that have nothing else to do.
        timeout: 900_000,
        signal: interrupt.signal,
      },
    )
    await rename(folder, toolFolder(name))
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    // Another process may have been quicker; what it installed is as good.
    if (!existsSync(toolFolder(name))) throw error
  }
}

/** What an install that was killed left behind. One that still runs is younger than an hour. */
async function removeAbandoned(): Promise<void> {
  const left = existsSync(toolsFolder) ? await readdir(toolsFolder) : []
  for (const folder of left.filter(one => one.startsWith(unfinished))) {
    // One that was finished a moment ago has another name now.
    const { mtimeMs = Date.now() } = (await stat(join(toolsFolder, folder)).catch(() => null)) ?? {}
    if (Date.now() - mtimeMs < 3_600_000) continue
    await rm(join(toolsFolder, folder), { recursive: true, force: true })
  }
}
