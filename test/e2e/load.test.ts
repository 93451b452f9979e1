import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { orch, run } from '../kit/exec.ts'
import { tempFolder } from '../kit/temp.ts'
import { filesProject } from './projects.ts'

it('orch load says what it looked for when no runtime is there', async () => {
  const folder = await filesProject([])
  const socket = join(await tempFolder('load'), 'none.sock')
  const env = { CONTAINERD_ADDRESS: socket, DOCKER_HOST: `unix://${socket}` }
  const outcome = await orch(['-C', folder, 'load'], { env })
  expect(outcome).toMatchObject({ exitCode: 1, stdout: '' })
  expect(outcome.stderr).toContain('error[RUNTIME_MISSING]')
  expect(outcome.stderr).toContain(socket)
})

it('orch load says what is wrong with the call before it looks for a runtime, and with the environment', async () => {
  const folder = await filesProject([])
  const socket = join(await tempFolder('load'), 'none.sock')
  const env = { CONTAINERD_ADDRESS: socket, DOCKER_HOST: `unix://${socket}` }
  const unknown = await orch(['-C', folder, 'load', 'example.com/tiny:dev'], { env })
  expect(unknown).toMatchObject({ exitCode: 2, stdout: '' })
  expect(unknown.stderr).toContain('error[IMAGE_UNKNOWN]')
  const named = { ...env, DOCKER_HOST: undefined, CONTAINERD_ADDRESS: 'far:1' }
  const wrong = await orch(['-C', folder, 'load'], { env: named })
  expect(wrong).toMatchObject({ exitCode: 2, stdout: '' })
  expect(wrong.stderr).toContain('error[CONTAINERD_ADDRESS]')
})

/** A runtime that is there, or not, by an environment variable, as a plugin of a project. */
const runtimePlugin = `
const any = { '~standard': { version: 1, vendor: 'own', validate: value => ({ value }) } }
export default {
  name: 'box',
  exporters: { box: any },
  runtimes: { box: async env => ({ found: true, where: 'box at ' + env.BOX, chosen: true }) },
  setup({ hooks }) {
    hooks.export.for('box').tapPromise('box', async ({ name, root, references }, { options }) => {
      const made = { exporter: 'box', image: name, digest: root.digest, location: 'box' }
      return { ...made, names: references, details: { size: options.size ?? null } }
    })
  },
}
`

it('orch load builds and takes the runtime that the environment names, or --to', async () => {
  const folder = await filesProject([], ['plugins: [./box.mjs]'])
  await writeFile(join(folder, 'box.mjs'), runtimePlugin)
  const env = { BOX: '/run/box' }
  const found = await orch(['-C', folder, 'load', '--progress', 'plain'], { env })
  expect(found.exitCode, found.stderr).toBe(0)
  expect(found.stdout).toMatch(/^tiny@sha256:[0-9a-f]{64}\n$/)
  expect(found.stderr).toContain('loading into box at /run/box')
  const told = await orch([
    '-C',
    folder,
    'load',
    'tiny',
    '--to',
    'box,size=3',
    '--json',
    '-t',
    'x:1',
  ])
  expect(told.exitCode, told.stderr).toBe(0)
  const { images } = JSON.parse(told.stdout)
  expect(images[0].exports).toMatchObject([{ names: ['x:1'], details: { size: '3' } }])
})

it('orch load names copy for an image that exists, and build for what is no runtime', async () => {
  const folder = await filesProject([])
  const source = await orch(['-C', folder, 'load', 'oci-archive:x.tar'])
  expect(source).toMatchObject({ exitCode: 2, stdout: '' })
  expect(source.stderr).toContain('orch copy oci-archive:x.tar')
  await orch(['-C', folder, 'build', '-e', 'docker-archive,dest=saved.tar'])
  // As older engines save: without the files of a layout.
  await run('tar', ['-C', folder, '-xf', join(folder, 'saved.tar')])
  await run('tar', ['-C', folder, '-cf', join(folder, 'saved.tar'), 'manifest.json', 'blobs'])
  const saved = await orch(['-C', folder, 'load', 'saved.tar', '--to', 'containerd'])
  expect(saved).toMatchObject({ exitCode: 2, stdout: '' })
  expect(saved.stderr).toContain('orch copy docker-archive:saved.tar containerd\n')
  const layout = await orch(['-C', folder, 'load', '--to', 'layout'])
  expect(layout).toMatchObject({ exitCode: 2, stdout: '' })
  expect(layout.stderr).toContain('error[RUNTIME_UNKNOWN]')
  const two = ['--to', 'containerd,address=/a', '--to', 'containerd,address=/b']
  const twice = await orch(['-C', folder, 'load', ...two])
  expect(twice).toMatchObject({ exitCode: 2, stdout: '' })
  expect(twice.stderr).toContain('error[TO_TWICE]')
  expect(twice.stderr).toContain("'containerd,address=/a'")
})
