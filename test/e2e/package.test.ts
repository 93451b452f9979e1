import { existsSync } from 'node:fs'
import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { exec, type Outcome, orch, run } from '../kit/exec.ts'
import { tempFolder } from '../kit/temp.ts'
import { example, filesProject } from './projects.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

describe('the package, packed and installed in an empty folder', () => {
  let folder = ''

  /** Checks the types of a program in the folder. */
  async function checked(program: string): Promise<Outcome> {
    const strict = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024']
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')]
    const tsc = join(root, 'node_modules', '.bin', 'tsc')
    return exec(tsc, [...strict, ...types, program], { cwd: folder })
  }

  beforeAll(async () => {
    folder = await tempFolder('package')
    const { packageManager } = (await import('../../package.json', { with: { type: 'json' } }))
      .default
    const cwd = join(root, 'packages', 'cli')
    await run('npx', ['--yes', packageManager, 'pack', '--pack-destination', folder], { cwd })
    const [tarball = ''] = await readdir(folder)
    await writeFile(join(folder, 'package.json'), '{"private": true, "type": "module"}')
    await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${tarball}`], {
      cwd: folder,
    })
  })

  it('needs no other package', async () => {
    expect(
      (await readdir(join(folder, 'node_modules'))).filter(name => !name.startsWith('.')),
    ).toEqual(['orch'])
    expect(await run(join(folder, 'node_modules', '.bin', 'orch'), ['version'])).toMatch(/^orch \d/)
  })

  it('is a library with the powers of the command', async () => {
    const project = await filesProject([])
    await writeFile(
      join(folder, 'build.mjs'),
      `import { createOrch, defaultPlugins, loadProject, oci } from 'orch'
      const cwd = process.argv[2]
      const project = await loadProject({ cwd, builtins: defaultPlugins(), env: process.env })
      const orch = await createOrch({ plugins: project.plugins, root: project.root, store: { root: cwd + '/cache' } })
      const { ok, images } = await orch.build(await project.toPlan())
      const { findings } = await oci.validateImage(await orch.open('oci:dist/oci'))
      await orch.close()
      console.log(ok, images[0].exports[0].exporter, findings.length)`,
    )
    expect(await run(process.execPath, ['build.mjs', project], { cwd: folder })).toBe(
      'true layout 0\n',
    )
  })

  it('has types by which the example plugin is checked', async () => {
    await cp(join(example('plugin'), 'plugin.ts'), join(folder, 'plugin.ts'))
    expect(await checked('plugin.ts')).toMatchObject({ exitCode: 0, stdout: '' })
  })

  it('checks options, chooses a runtime and copies as the command does', async () => {
    await writeFile(
      join(folder, 'powers.ts'),
      `import { chooseRuntime, copyImages, createOrch, defaultPlugins, loadProject, planDestinations } from 'orch'
      import type { CopyOptions, CopyResult, DestinationOptions, Plugin } from 'orch'
      const here: Plugin = {
        name: 'here',
        runtimes: { layout: async () => ({ found: true, where: 'here', chosen: false }) },
        setup() {},
      }
      const project = await loadProject({ cwd: '.', builtins: [...defaultPlugins(), here], env: {} })
      const { plugins, root } = project
      const { exporter } = await chooseRuntime([here], {})
      const plan = await project.toPlan({ exports: [{ exporter, options: {} }] })
      const where: DestinationOptions = { plugins, root }
      const refusal: unknown = await planDestinations(['docker,contxt=old'], where).catch(error => error.code)
      const orch = await createOrch({ plugins, root })
      await orch.build(plan)
      const options: CopyOptions = { names: ['hello'] }
      const copy: CopyResult = await copyImages(orch, 'oci:dist/oci', await planDestinations(['oci:b'], where), options)
      await orch.close()
      const [image] = copy.images
      console.log(exporter, refusal, copy.ok, image?.image?.references, image?.exports[0]?.names)`,
    )
    expect(await checked('powers.ts')).toMatchObject({ exitCode: 0, stdout: '' })
    const env = { ORCH_CACHE_DIR: await tempFolder('cache') }
    const cwd = await filesProject([])
    expect(await run(process.execPath, [join(folder, 'powers.ts')], { cwd, env })).toBe(
      "layout EXPORT_INVALID true [ 'hello:latest' ] [ 'hello:latest' ]\n",
    )
  })

  describe('with the programs that README.md shows', () => {
    let cache = ''
    beforeAll(async () => {
      cache = await tempFolder('cache')
      const [, part = ''] = (await readFile(join(root, 'README.md'), 'utf8')).split('As a library:')
      const programs = [...part.matchAll(/```ts\n(.*?)```/gs)].map(([, program = '']) => program)
      expect(programs.length).toBe(2)
      await writeFile(join(folder, 'readme-build.ts'), programs[0] ?? '')
      await writeFile(join(folder, 'readme-copy.ts'), programs[1] ?? '')
    })

    /** Runs one of them in a folder. */
    async function ran(program: string, cwd: string): Promise<Outcome> {
      const env = { ORCH_CACHE_DIR: cache, DOCKER_CONFIG: cache }
      return exec(process.execPath, [join(folder, program)], { cwd, env })
    }

    /** A folder with an image for these platforms in hello.tar. */
    async function archived(platforms: readonly string[]): Promise<string> {
      const project = await filesProject([])
      const target = ['--export', 'oci-archive,dest=hello.tar', '--platform', platforms.join()]
      const outcome = await orch(['-C', project, 'build', ...target])
      expect(outcome.exitCode, outcome.stderr).toBe(0)
      return project
    }

    it('builds', async () => {
      expect(await checked('readme-build.ts')).toMatchObject({ exitCode: 0, stdout: '' })
      const project = await filesProject([])
      const outcome = await ran('readme-build.ts', project)
      expect(outcome, outcome.stderr).toMatchObject({ exitCode: 0, stdout: '', stderr: '' })
      expect((await orch(['validate', `oci:${project}/dist/oci`])).stdout).toContain(': valid;')
    })

    it('tells what goes wrong before any image is built', async () => {
      const outcome = await ran(
        'readme-build.ts',
        await filesProject([], ['export:', '  - docker: {context: nope}']),
      )
      expect(outcome.exitCode).toBe(1)
      expect(outcome.stderr).toContain("code: 'DOCKER_CONTEXT'")
    })

    it('tells what goes wrong in an image', async () => {
      const outcome = await ran('readme-build.ts', await filesProject(['{from: gone, to: /gone}']))
      expect(outcome.exitCode).toBe(1)
      expect(outcome.stderr).toContain("code: 'FILES_MISSING'")
    })

    it('copies one platform of an archive into a layout', async () => {
      expect(await checked('readme-copy.ts')).toMatchObject({ exitCode: 0, stdout: '' })
      const cwd = await archived(['linux/amd64', 'linux/arm64'])
      const outcome = await ran('readme-copy.ts', cwd)
      expect(outcome, outcome.stderr).toMatchObject({ exitCode: 0, stdout: '', stderr: '' })
      const { stdout } = await orch(['validate', `oci:${cwd}/dist/arm64`])
      expect(stdout).toMatch(/: valid; .* platforms linux\/arm64\n$/)
    })

    it('copies nothing without that platform, and says so', async () => {
      const cwd = await archived(['linux/amd64'])
      const outcome = await ran('readme-copy.ts', cwd)
      expect(outcome.exitCode).toBe(1)
      expect(outcome.stderr).toContain("code: 'PLATFORM_MISSING'")
      expect(existsSync(join(cwd, 'dist'))).toBe(false)
    })

    it('tells what goes wrong in a copy', async () => {
      const cwd = await archived(['linux/arm64'])
      await writeFile(join(cwd, 'dist'), 'no folder')
      const outcome = await ran('readme-copy.ts', cwd)
      expect(outcome.exitCode).toBe(1)
      expect(outcome.stderr).toContain('hook export')
    })
  })
})
