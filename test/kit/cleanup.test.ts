import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { exec } from './exec.ts'
import { tempFolder } from './temp.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

it('undoes all at the end of a test file, the last first, though a test and an undo fail', async () => {
  // A test run of its own, inside the repository so that it finds vitest.
  const folder = join(root, 'test/.results', `cleanup-${process.pid}`)
  await mkdir(folder, { recursive: true })
  const out = await tempFolder()
  await writeFile(
    join(folder, 'a.test.ts'),
    `import { appendFileSync } from 'node:fs'
    import { it } from 'vitest'
    import { atEnd } from '${root}test/kit/cleanup.ts'
    import { tempFolder } from '${root}test/kit/temp.ts'
    const note = text => appendFileSync('${out}/notes', text + '\\n')
    it('fails', async () => {
      note(await tempFolder())
      atEnd(async () => note('first'))
      atEnd(async () => { note('second'); throw new Error('cannot be undone') })
      throw new Error('the test itself')
    })`,
  )
  const vitest = join(root, 'node_modules/.bin/vitest')
  const { exitCode, stderr } = await exec(vitest, ['run', '--root', folder])
  const [made = '', ...order] = (await exec('cat', [`${out}/notes`])).stdout.trim().split('\n')
  await exec('rm', ['-r', folder])
  expect(order).toEqual(['second', 'first'])
  expect(existsSync(made)).toBe(false)
  expect(exitCode).toBe(1)
  expect(stderr).toContain('cannot be undone')
})
