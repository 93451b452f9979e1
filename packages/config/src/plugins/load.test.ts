import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fakes, faultOf, project } from '../test-project.ts'

const images = 'images: {a: {build: {go: x}}}'
const orchYaml = (plugins: string): string => `plugins:\n  - ${plugins}\n${images}\n`

describe('plugins of a project', () => {
  it('are loaded by path, in order, after the built-in ones; options reach the factory', async () => {
    const { plugins, config } = await project(
      {
        'orch.yaml': `
plugins:
  - ./plain.ts
  - {use: ./sub/factory.mjs, options: {name: "\${NAME}"}}
images: {a: {build: {rust: x}, note: hi}}
export: [{copy: {to: y}}]
`,
        'plain.ts': `
import type { Plugin } from '@orch/core'
const any = { '~standard': { version: 1, vendor: 'own', validate: (value: unknown) => ({ value }) } } as const
export default { name: 'plain', builders: { rust: any }, imageKeys: { note: any }, setup() {} } satisfies Plugin
`,
        'sub/factory.mjs': `
const any = { '~standard': { version: 1, vendor: 'own', validate: async value => ({ value }) } }
export default async ({ name }) => ({ name, exporters: { copy: any }, setup() {} })
`,
      },
      { env: { NAME: 'mine' } },
    )
    expect(plugins.map(({ name }) => name)).toEqual([
      'go',
      'bazel',
      'media',
      'hosts',
      'files',
      'plain',
      'mine',
    ])
    expect(config.images[0]).toMatchObject({
      build: { builder: 'rust', options: { rust: 'x' } },
      extensions: { note: 'hi' },
    })
    expect(config.exports).toEqual([{ exporter: 'copy', options: { to: 'y' } }])
  })

  it('are loaded by package name from the project folder', async () => {
    const { plugins } = await project({
      'orch.yaml': orchYaml('"@team/orch-plugin"'),
      'node_modules/@team/orch-plugin/package.json': `{"type": "module", "exports": {"import": "./in.js"}}`,
      'node_modules/@team/orch-plugin/in.js': `export default { name: 'team', setup() {} }`,
    })
    expect(plugins.at(-1)?.name).toBe('team')
  })

  it.each([
    ['export const name = 1', 'it has no default export'],
    ['export default 5', 'expected a plugin {name, setup}, got number'],
    ['export default () => null', 'expected a plugin {name, setup}, got null'],
    ['export default {setup() {}}', 'the plugin has no name; expected a string that is not empty'],
    [`export default {name: 'p'}`, 'plugin p has no setup; expected a function of the plugin API'],
    [
      `export default {name: 'p', setup: 1}`,
      'plugin p has no setup; expected a function of the plugin API',
    ],
    [
      `export default {name: 'p', setup() {}, builders: []}`,
      'plugin p: builders is not a map of schemas',
    ],
    [
      `export default {name: 'p', setup() {}, exporters: {x: {}}}`,
      'plugin p: exporters.x is not a Standard Schema',
    ],
    [
      `export default {name: 'p', setup() {}, destinations: {oci: 'layout'}}`,
      'plugin p: destinations.oci is not a function',
    ],
    [
      `export default {name: 'p', setup() {}, runtimes: () => true}`,
      'plugin p: runtimes is not a map of functions',
    ],
    [`export default {name: 'go', setup() {}}`, 'there is already a plugin named "go"'],
    [
      `export default {name: 'p', setup() {}, builders: {go: {'~standard': {validate() {}}}}}`,
      'the builder "go" of plugin p is plugin go\'s already',
    ],
    [
      `export default {name: 'p', setup() {}, exporters: {layout: {'~standard': {validate() {}}}}}`,
      'the exporter "layout" of plugin p is plugin media\'s already',
    ],
    [
      `export default {name: 'p', setup() {}, imageKeys: {build: {'~standard': {validate() {}}}}}`,
      'the image key "build" of plugin p is orch itself\'s already',
    ],
    ...['$schema', 'platforms', 'images', 'export', 'plugins'].map(key => [
      `export default {name: 'p', setup() {}, projectKeys: {'${key}': {'~standard': {validate() {}}}}}`,
      `the project key "${key}" of plugin p is orch itself's already`,
    ]),
    [
      `export default {name: 'p', setup() {}, projectKeys: {hosts: {'~standard': {validate() {}}}}}`,
      'the project key "hosts" of plugin p is plugin hosts\'s already',
    ],
  ])('must have the right shape: %s', async (text, why) => {
    const fault = await faultOf(project({ 'orch.yaml': orchYaml('./p.mjs'), 'p.mjs': text }))
    expect(fault).toMatchObject({
      code: 'PLUGIN_INVALID',
      lines: [`orch.yaml:2:5: plugins[0]: ./p.mjs: ${why}`],
    })
  })

  it('say what went wrong in them, at their place in the project file', async () => {
    const fault = await faultOf(
      project({
        'orch.yaml': `plugins:\n  - ./throws.mjs\n  - use: ./factory.mjs\n    options: 1\n${images}\n`,
        'throws.mjs': `throw new Error('no luck')`,
        'factory.mjs': `export default () => { throw new Error('bad options') }`,
      }),
    )
    expect(fault).toMatchObject({
      code: 'PLUGIN_LOAD_FAILED',
      lines: [
        'orch.yaml:2:5: plugins[0]: ./throws.mjs cannot be loaded: no luck',
        'orch.yaml:3:10: plugins[1].use: ./factory.mjs cannot be loaded: its function failed: bad options',
      ],
    })
  })

  it.each([
    ['./none.mjs', 'Paths of plugins start at the folder of the project file.'],
    ['orch-plugin-none', 'Install it where the project file is, or name a file with ./.'],
  ])('that are missing bring a hint: %s', async (use, hint) => {
    const fault = await faultOf(project({ 'orch.yaml': orchYaml(use) }))
    expect(fault).toMatchObject({ code: 'PLUGIN_LOAD_FAILED', hint })
    expect(fault.lines[0]).toContain(`orch.yaml:2:5: plugins[0]: ${use} cannot be loaded: `)
  })

  it.each(['data:text/javascript,0', 'node:fs', 'https://example.com/x.js', 'a b'])(
    'are paths or packages, not %s',
    async use => {
      const fault = await faultOf(project({ 'orch.yaml': orchYaml(JSON.stringify(use)) }))
      expect(fault).toMatchObject({
        code: 'PLUGIN_INVALID',
        lines: [
          `orch.yaml:2:5: plugins[0]: ${use}: expected a path that starts with ./ or ../ or /, or the name of a package`,
        ],
      })
    },
  )

  it('take options only when they are functions', async () => {
    const fault = await faultOf(
      project({
        'orch.yaml': orchYaml('{use: ./p.mjs, options: {a: 1}}'),
        'p.mjs': `export default { name: 'p', setup() {} }`,
      }),
    )
    expect(fault.lines).toEqual([
      'orch.yaml:2:11: plugins[0].use: ./p.mjs: it takes no options: its default export is not a function',
    ])
  })

  it.each([
    ['plugins: ./x.ts', '1:10: plugins: expected a list of strings or maps, got a string'],
    ['plugins: [{use: 3}]', '1:17: plugins[0].use: expected a string, got a number'],
    ['plugins: [{us: ./x}]', '1:12: plugins[0].us: unknown key; expected one of use, options'],
    ['plugins:', '1:1: plugins: expected a list of strings or maps, got nothing'],
  ])('%s', async (plugins, line) => {
    const fault = await faultOf(project({ 'orch.yaml': `${plugins}\n${images}\n` }))
    expect(fault).toMatchObject({ code: 'CONFIG_INVALID', lines: [`orch.yaml:${line}`] })
  })

  it('may check with any Standard Schema; messages keep their place', async () => {
    const fault = await faultOf(
      project({
        'orch.yaml': `plugins: [./p.mjs]\nimages:\n  a:\n    build:\n      rust: x\n      optoin: 1\n`,
        'p.mjs': `
const rust = { '~standard': {
  version: 1, vendor: 'own',
  jsonSchema: { input: () => ({ type: 'object', properties: { rust: {}, option: {} } }) },
  validate: () => ({ issues: [{ message: 'too rusty', path: [{ key: 'rust' }] }, { message: 'what is this?', path: ['optoin'] }] }),
} }
export default { name: 'p', builders: { rust }, setup() {} }`,
      }),
    )
    expect(fault).toMatchObject({
      lines: [
        'orch.yaml:5:13: images.a.build.rust: too rusty',
        'orch.yaml:6:7: images.a.build.optoin: what is this?',
      ],
      hint: '6:7: Did you mean "option"?',
    })
  })

  it('whose schema throws are named as the cause', async () => {
    const fault = await faultOf(
      project({
        'orch.yaml': `plugins: [./p.mjs]\nimages: {a: {build: {rust: x}}}\n`,
        'p.mjs': `export default { name: 'p', builders: { rust: { '~standard': { validate() { throw new Error('oops') } } } }, setup() {} }`,
      }),
    )
    expect(fault).toMatchObject({
      code: 'PLUGIN_INVALID',
      lines: [`orch.yaml:2:21: images.a.build: the plugin's schema failed: oops`],
    })
  })
})

describe('a plugin that stands in orch.config.ts itself', () => {
  const config = (plugin: string): Readonly<Record<string, string>> => ({
    'orch.config.mjs': `
const any = { '~standard': { version: 1, vendor: 'own', validate: value => ({ value }) } }
class Own { name = 'own'; imageKeys = { note: any }; setup() {} }
export default {
  plugins: ['./named.mjs', ${plugin}],
  images: { a: { build: { go: 'x' }, note: 'hi' } },
}`,
    'named.mjs': `export default { name: 'named', setup() {} }`,
  })

  it.each(['new Own()', `{ name: 'own', imageKeys: { note: any }, setup() {} }`])(
    'is taken as it is, in its place: %s',
    async plugin => {
      const { plugins, config: checked } = await project(config(plugin))
      expect(plugins.slice(fakes.length).map(({ name }) => name)).toEqual(['named', 'own'])
      expect(checked.images[0]?.extensions).toEqual({ note: 'hi' })
    },
  )

  it.each([
    [
      '{ setup() {} }',
      'PLUGIN_INVALID',
      'the plugin has no name; expected a string that is not empty',
    ],
    [`{ name: 'go', setup() {} }`, 'PLUGIN_INVALID', 'there is already a plugin named "go"'],
    [
      `{ name: 'p', setup() {}, builders: { x: 1 } }`,
      'PLUGIN_INVALID',
      'plugin p: builders.x is not a Standard Schema',
    ],
    [`{ name: 'p' }`, 'CONFIG_INVALID', 'unknown key; expected one of use, options'],
    ['() => new Own()', 'CONFIG_INVALID', 'expected a string or a map, got a function'],
  ])('is refused when it is none: %s', async (plugin, code, why) => {
    const fault = await faultOf(project(config(plugin)))
    expect(fault.code).toBe(code)
    expect(fault.lines.join()).toMatch(/^orch\.config\.mjs:5:3: plugins\[1\]/)
    expect(fault.lines.join()).toContain(why)
  })
})

it('paths of plugins may be absolute', async () => {
  const fault = await faultOf(project({ 'orch.yaml': orchYaml(join('/', 'none', 'p.mjs')) }))
  expect(fault.code).toBe('PLUGIN_LOAD_FAILED')
})
