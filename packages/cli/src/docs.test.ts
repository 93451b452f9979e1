import { glob, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { projectSchema } from '@orch/config'
import { describe, expect, it } from 'vitest'
import { catchInterruption } from './interrupt.ts'
import { defaultPlugins } from './plugins.ts'
import { createProgram } from './program.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const read = (path: string): Promise<string> => readFile(root + path, 'utf8')

/** The text of every source file that users get. */
async function sources(): Promise<readonly string[]> {
  const texts: string[] = []
  for await (const path of glob('{packages,plugins}/*/src/**/*.ts', { cwd: root })) {
    if (!/\.test\.ts$|test-|\/testing\b/.test(path)) texts.push(await read(path))
  }
  return texts
}

describe('the documents are true:', () => {
  it('docs/errors.md lists every code with its exit code, and none that does not exist', async () => {
    const rows = (await read('docs/errors.md')).matchAll(/^\| `([A-Z_]+)` +\| (\d+) +\|/gm)
    const exits = new Map([...rows].map(([, code = '', exit]) => [code, exit] as const))
    expect(exits.size).toBeGreaterThan(50)
    expect([...exits.keys()]).toEqual([...exits.keys()].toSorted())
    const texts = (await sources()).join('\n')
    for (const code of exits.keys()) expect(texts).toContain(`'${code}'`)
    // Where an error is made, or a function that makes one is called, with the code as a literal.
    const made = /(\w*Error|refuse|fail|add|problem)\w*\(\s*(?:\w+,\s*)?'([A-Z]+(?:_[A-Z]+)+)'/g
    for (const [, maker, code = ''] of texts.matchAll(made)) {
      expect(exits.has(code), `${code} is not listed`).toBe(true)
      if (maker === 'UsageError') expect(`${code} ${exits.get(code)}`).toBe(`${code} 2`)
    }
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

  it('README.md shows the static base as it is', async () => {
    const layers = await read('plugins/static/src/snapshot/layers.ts')
    const [, digest] = /unix: \{\s*digest: '(sha256:\w+)'/.exec(layers) ?? []
    expect(digest).toBeDefined()
    expect(await read('README.md')).toContain(digest)
  })
})
