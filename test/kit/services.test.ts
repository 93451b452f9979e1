import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exec } from './exec.ts'
import { goProject } from './go-project.ts'
import { needs } from './services.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(root, 'test/.results', `services-${process.pid}`)

/** Runs a test that needs skopeo on a machine that has no programs but Node. */
async function withoutSkopeo(ci: string | undefined): Promise<{ exitCode: number; text: string }> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const { exitCode, stdout, stderr } = await exec(
    process.execPath,
    [vitest, 'run', '--root', folder, '--reporter=verbose'],
    { env: { PATH: '/nowhere', CI: ci, NO_COLOR: '1' } },
  )
  return { exitCode, text: `${stdout}\n${stderr}` }
}

describe('a service that is missing', () => {
  beforeAll(async () => {
    await mkdir(folder, { recursive: true })
    await writeFile(
      join(folder, 'a.test.ts'),
      `import { it } from 'vitest'
      import { needs } from '${root}test/kit/services.ts'
      it('needs nothing', () => {})
      needs('skopeo')('copying', () => { it('copies', () => {}) })`,
    )
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('skips its tests, with the reason in their name', async () => {
    const { exitCode, text } = await withoutSkopeo(undefined)
    expect(text).toContain('copying [skipped: skopeo is not installed] > copies')
    expect(exitCode).toBe(0)
  })

  it('fails its tests when CI=true', async () => {
    const { exitCode, text } = await withoutSkopeo('true')
    expect(text).toContain('Error: skopeo is not installed')
    expect(exitCode).toBe(1)
  })
})

needs('regclient')('a real Go project', () => {
  it('is there with its commands, and can be changed', async () => {
    const project = await goProject()
    for (const command of ['regctl', 'regsync', 'regbot'])
      expect(existsSync(join(project, 'cmd', command, 'main.go'))).toBe(true)
    await writeFile(join(project, 'cmd', 'regctl', 'main.go'), 'package main')
  })
})
