import { glob, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { projectSchema } from '@orch/config'
import { describe, expect, it } from 'vitest'
import { catchInterruption } from './interrupt.ts'
import { defaultPlugins } from './plugins.ts'
import { createProgram } from './program.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const read = (path: string): Promise<string> => readFile(root + path, 'utf8')

/** The codes that the sources name where an error is made or a finding is added. */
async function codesInSources(): Promise<ReadonlySet<string>> {
  const codes = new Set<string>()
  for await (const path of glob('{packages,plugins}/*/src/**/*.ts', { cwd: root })) {
    if (/\.test\.ts$|test-|\/testing\b/.test(path)) continue
    const text = await read(path)
    for (const [, code = ''] of text.matchAll(/'([A-Z]+(?:_[A-Z]+)+)'/g)) codes.add(code)
  }
  return codes
}

describe('the documents are true:', () => {
  it('docs/errors.md lists every code, and none that does not exist', async () => {
    const listed = [...(await read('docs/errors.md')).matchAll(/^\| `([A-Z_]+)` \|/gm)].map(
      match => match[1],
    )
    const used = await codesInSources()
    expect(listed.filter(code => !used.has(code ?? '') && code !== 'INTERRUPTED')).toEqual([])
    const raised = /(?:Error|refuse|fail|add|problem)\w*\([^'()]*'([A-Z]+(?:_[A-Z]+)+)'/g
    const missing = new Set<string>()
    for await (const path of glob('{packages,plugins}/*/src/**/*.ts', { cwd: root })) {
      if (/\.test\.ts$|test-|\/testing\b/.test(path)) continue
      for (const [, code = ''] of (await read(path)).matchAll(raised))
        if (!listed.includes(code)) missing.add(code)
    }
    expect([...missing]).toEqual([])
    expect(listed).toEqual(listed.toSorted())
  })

  it('docs/orch.schema.json is what `orch config schema` prints', async () => {
    const schema = JSON.parse(await read('docs/orch.schema.json'))
    expect(schema).toEqual(projectSchema(defaultPlugins()))
  })

  it('README.md shows the help as it is', async () => {
    const interruption = catchInterruption()
    const program = createProgram(interruption, { exitCode: 0 })
    program.configureOutput({ getOutHelpWidth: () => 80 })
    const help = program.helpInformation()
    interruption.release()
    expect(await read('README.md')).toContain(help.trim())
  })
})
