import { cp, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { exec, type Outcome, orch } from '../kit/exec.ts'
import { tempFolder } from '../kit/temp.ts'
import { example } from './projects.ts'

const bundle = fileURLToPath(new URL('../../packages/cli/bin/orch.cjs', import.meta.url))

/** A folder for PATH in which `orch` is the bundled command. */
async function binFolder(): Promise<string> {
  const folder = await tempFolder('bin')
  await symlink(bundle, join(folder, 'orch'))
  return folder
}

describe('the plugin example', () => {
  let folder = ''
  let output = ''
  beforeAll(async () => {
    folder = join(await tempFolder('plugin'), 'plugin')
    const skip = /node_modules|\/dist$|blobs\.txt$/
    await cp(example('plugin'), folder, {
      recursive: true,
      filter: path => !skip.test(path.slice(example('').length)),
    })
    const readme = await readFile(join(folder, 'README.md'), 'utf8')
    const commands = /```sh\n(.*?)```/s.exec(readme)?.[1] ?? ''
    expect(commands).toContain('orch build')
    const env = {
      PATH: `${await binFolder()}:${process.env['PATH']}`,
      ORCH_CACHE_DIR: await tempFolder('cache'),
      CI: undefined,
    }
    const outcome = await exec('sh', ['-euc', commands], { cwd: folder, env })
    expect(outcome.exitCode, outcome.stderr).toBe(0)
    output = outcome.stdout + outcome.stderr
  })

  it('runs exactly as its README says, without any package installed', async () => {
    expect(output).toContain('stamp: 1 image(s) for team web')
    expect(output).toContain('stamp: built 1 image(s)')
    expect(output).toContain('example.com/web/card:1.0')
  })

  it('adds its platform, layer, label and annotation, and exports by its own exporter', async () => {
    const lines = (await readFile(join(folder, 'blobs.txt'), 'utf8')).trim().split('\n')
    expect(lines.map(line => line.split(' ')[0])).toEqual(['linux/amd64', 'linux/arm64'])
    const blob = async (digest: string): Promise<Record<string, unknown>> =>
      JSON.parse(
        await readFile(
          join(folder, 'dist/oci/blobs/sha256', digest.replace('sha256:', '')),
          'utf8',
        ),
      )
    const top = JSON.parse(await readFile(join(folder, 'dist/oci/index.json'), 'utf8'))
    const index = await blob(top.manifests[0].digest)
    expect(index['annotations']).toMatchObject({ 'com.example.team': 'web' })
    const manifest = await blob(lines[1]?.split(' ')[1] ?? '')
    expect(manifest['layers']).toHaveLength(2)
    const config = await blob((manifest['config'] as { digest: string }).digest)
    expect(config).toMatchObject({
      architecture: 'arm64',
      config: { Labels: { 'com.example.team': 'web' } },
    })
  })
})

/** Builds the example with a plugin of this source beside it. */
async function withPlugin(source: string): Promise<Outcome> {
  const project = join(await tempFolder('faulty'), 'plugin')
  await cp(example('plugin'), project, {
    recursive: true,
    filter: path => !/node_modules|\/dist$|blobs\.txt$/.test(path.slice(example('').length)),
  })
  await writeFile(join(project, 'faulty.mjs'), `export default { name: 'faulty', ${source} }`)
  const file = join(project, 'orch.yaml')
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace('plugins:', 'plugins:\n  - ./faulty.mjs'))
  return orch(['-C', project, 'build'])
}

describe('a faulty plugin is named, with its hook', () => {
  it.concurrent.each([
    [
      'throws',
      `setup({hooks}) { hooks.layer.tap('x', () => { throw new Error('no flour') }) }`,
      1,
      /no flour\n.*plugin faulty, hook layer/,
    ],
    [
      'throws no error',
      `setup({hooks}) { hooks.layer.tap('x', () => { throw 'no flour' }) }`,
      1,
      /no flour\n.*plugin faulty, hook layer/,
    ],
    [
      'answers with the wrong shape',
      `setup({hooks}) { hooks.manifest.tap('x', d => ({...d, config: {...d.config, created: 12}})) }`,
      1,
      /wrong shape.*\n.*plugin faulty, hook manifest/,
    ],
    [
      'gives a negative size',
      `setup({hooks}) { hooks.layer.tap('x', l => l.map(i => ({...i, descriptor: {...i.descriptor, size: -5}})).concat({})) }`,
      1,
      /wrong shape.*\n.*plugin faulty, hook layer/,
    ],
    [
      'never settles',
      `setup({hooks}) { hooks.index.tapPromise('x', () => new Promise(() => {})) }`,
      1,
      /did not settle.*\n.*plugin faulty, hook index/,
    ],
    [
      'never settles in setup',
      `setup() { return new Promise(() => {}) }`,
      1,
      /did not settle.*\n.*plugin faulty, hook setup/,
    ],
    [
      'taps an unknown hook',
      `setup({hooks}) { hooks.layers.tap('x', () => {}) }`,
      2,
      /plugin faulty taps the hook layers.*\nhint: Did you mean layer\?/,
    ],
    [
      'ends the process',
      `setup({hooks}) { hooks.layer.tap('x', () => process.exit(0)) }`,
      1,
      /error\[ENDED\]/,
    ],
  ])('when it %s', async (_, source, exitCode, message) => {
    const outcome = await withPlugin(source)
    expect(outcome.stderr).toMatch(message)
    expect(outcome.exitCode).toBe(exitCode)
  })
})
