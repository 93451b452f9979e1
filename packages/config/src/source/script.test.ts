import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { faultOf, folder, project } from '../test-project.ts'

describe('orch.config.ts', () => {
  it.each([
    [
      'orch.config.ts',
      `interface A { go: string }\nconst build: A = { go: './x' }\nexport default { images: { api: { build } } }`,
    ],
    ['orch.config.mts', `export default { images: { api: { build: { go: './x' as string } } } }`],
    [
      'orch.config.mjs',
      `export default () => ({ images: { api: { build: { go: './x' }, base: undefined } } })`,
    ],
    [
      'orch.config.mjs',
      `export default async ({ env }) => ({ images: { [env.NAME]: { build: { go: './x' } } } })`,
    ],
  ])('%s is run: %s', async (name, text) => {
    const { config, file, root } = await project({ [name]: text }, { env: { NAME: 'api' } })
    expect(file).toBe(join(root, name))
    expect(config.images).toMatchObject([
      { name: 'api', base: 'static', build: { builder: 'go', options: { go: './x' } } },
    ])
  })

  it('is run by Node alone, without a word on stderr', async () => {
    const root = await folder({
      'orch.config.ts': `const name: string = 'api'\nexport default { images: { [name]: { build: { go: './x' } } } }`,
      'main.ts': `
import { loadProject } from ${JSON.stringify(new URL('../index.ts', import.meta.url).href)}
const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const
const test = { name: 'test', builders: { go: schema }, exporters: { layout: schema }, setup() {} }
const { toPlan } = await loadProject({ cwd: import.meta.dirname, builtins: [test], env: {} })
console.log((await toPlan()).images.map(image => image.name).join())
`,
    })
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(root, 'main.ts')])
    expect({ stdout, stderr }).toEqual({ stdout: 'api\n', stderr: '' })
  })

  it('does not have its strings interpolated', async () => {
    const { config } = await project({
      'orch.config.mjs': `export default { images: { api: { build: { go: '\${X}' } } } }`,
    })
    expect(config.images[0]?.build.options).toMatchObject({ go: `\${X}` })
  })

  it('has its problems found in the text, comments left out', async () => {
    const text = `// images: { api: { entrypoint: 1 } }
export default {
  images: {
    api: {
      build: { go: './x', 'falgs': [] },
      entrypoint: 'ls', /* cmd: */
      env: { A: 1 },
    },
  },
}
`
    expect(await faultOf(project({ 'orch.config.mjs': text }))).toEqual({
      code: 'CONFIG_INVALID',
      lines: [
        'orch.config.mjs:5:27: images.api.build.falgs: unknown key; expected one of go, ldflags, flags, cgo',
        'orch.config.mjs:6:7: images.api.entrypoint: expected a list of strings, got a string',
        'orch.config.mjs:7:14: images.api.env.A: expected a string, got a number',
      ],
      hint: '5:27: Did you mean "flags"?\n6:7: Write it as a list: ["ls"]\n7:14: Write it as a string.',
    })
  })

  it.each([
    [
      `export const config = {}`,
      'CONFIG_INVALID',
      '1:1: has no default export; expected the project, or a function that returns it',
    ],
    [
      `export default () => {\n  throw new Error('no')\n}`,
      'CONFIG_LOAD_FAILED',
      '2:9: could not be run: no',
    ],
    [`export default async () => undefined`, 'CONFIG_INVALID', '1:1: expected a map, got nothing'],
    [`export default 'x'`, 'CONFIG_INVALID', '1:1: expected a map, got a string'],
  ])('is refused: %s', async (text, code, line) => {
    const fault = await faultOf(project({ 'orch.config.mjs': text }))
    expect({ code: fault.code, lines: fault.lines }).toEqual({
      code,
      lines: [`orch.config.mjs:${line}`],
    })
  })

  /** What Node itself says of a project file; vitest would run TypeScript that Node does not. */
  async function underNode(text: string, more: Readonly<Record<string, string>> = {}) {
    const root = await folder({
      ...more,
      'orch.config.ts': text,
      'main.mjs': `
import { loadProject } from ${JSON.stringify(new URL('../index.ts', import.meta.url).href)}
const loading = loadProject({ cwd: import.meta.dirname, builtins: [], env: {} })
const { code, message, hint, cause } = await loading.then(() => ({}), error => error)
console.log(JSON.stringify({ code, message, hint, cause: cause?.message }))
`,
    })
    const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'main.mjs')])
    const { message, ...fault } = JSON.parse(stdout) as Record<string, string>
    return { ...fault, message: message?.replaceAll(root, '<root>'), root }
  }

  it.each([
    [`export default {\n  images: {,}\n}`, '2:1: ', 'Correct the syntax at that place.'],
    [
      `enum A { B }\nexport default {}`,
      '1:1: could not be run: TypeScript enum is not supported',
      'Node only takes the types out: use erasable syntax, without enum, namespace or parameter properties.',
    ],
    [
      `import { defineConfig } from 'orch'\nexport default defineConfig({})`,
      `1:1: could not be run: Cannot find package 'orch' imported from <root>/orch.config.ts`,
      'Use "import type", which needs nothing installed, or install orch.',
    ],
    [
      `import x from 'orch-none'\nexport default x`,
      '1:1: could not be run: Cannot find package',
      'Install it where the project file is.',
    ],
    [
      `import x from './images'\nexport default x`,
      '1:1: could not be run: Cannot find module',
      'Correct the path; it needs its ending, as in ./images.ts.',
    ],
    [
      `import { Plugin } from './images.ts'\nexport default {}`,
      '1:1: could not be run: The requested module',
      'Correct the import; a type needs "import type".',
    ],
    [
      `const text = '{'\nexport default JSON.parse(text)`,
      '2:21: could not be run: Expected property name',
      'The project file threw this itself: correct it there.',
    ],
  ])('says what to do about %s', async (text, message, hint) => {
    const more = { 'images.ts': 'export type Plugin = string\n' }
    const fault = await underNode(text, more)
    expect(fault).toMatchObject({ code: 'CONFIG_LOAD_FAILED', hint })
    expect(fault.message).toContain(`orch.config.ts:${message}`)
    expect(JSON.stringify(fault)).not.toMatch(/file:|Did you mean to import/)
  })

  it('names the other file whose syntax is wrong', async () => {
    const fault = await underNode(`import './bad.ts'\nexport default {}`, { 'bad.ts': '\nlet 5' })
    expect(fault).toMatchObject({ hint: `Correct the syntax at ${fault.root}/bad.ts:2.` })
  })

  it('is refused when its syntax is wrong', async () => {
    const fault = await faultOf(
      project({ 'orch.config.mjs': 'export default {\n  images: {,}\n}\n' }),
    )
    expect(fault.code).toBe('CONFIG_LOAD_FAILED')
    expect(fault.lines[0]).toMatch(/^orch\.config\.mjs:\d+:\d+: could not be run: /)
  })
})
