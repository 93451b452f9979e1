import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { exec } from './exec.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

it('a test that fails says what the programs said that it ran', async () => {
  // A test run of its own, inside the repository so that it finds vitest.
  const folder = join(root, 'test/.results', `said-${process.pid}`)
  await mkdir(folder, { recursive: true })
  await writeFile(
    join(folder, 'a.test.ts'),
    `import { expect, it } from 'vitest'
    import { exec } from '${root}test/kit/exec.ts'
    const sh = script => exec('sh', ['-c', script])
    it('passes', () => sh('echo a good $((1 + 1)) >&2; exit 3'))
    it('fails', async () => expect((await sh('echo a bad $((1 + 2)) >&2; exit 4')).stdout).toBe('yes'))`,
  )
  const vitest = join(root, 'node_modules/.bin/vitest')
  const { stderr } = await exec(vitest, ['run', '--root', folder])
  await exec('rm', ['-r', folder])
  expect(stderr).toMatch(/expected '' to be 'yes'[\s\S]*exit code 4\s+a bad 3/)
  expect(stderr).not.toContain('a good 2')
})
