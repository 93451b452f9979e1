import { describe, expect, it } from 'vitest'
import type { Project } from './load.ts'
import { faultOf, project } from './test-project.ts'

async function example(): Promise<Project> {
  return project({
    'orch.yaml': `
images:
  api: {build: {go: ./api}, tags: ["example.com/api:dev"]}
  worker: {build: {go: ./worker}, platforms: [linux/amd64]}
`,
  })
}

describe('toPlan', () => {
  it('takes the whole project when nothing is selected, frozen', async () => {
    const { toPlan, config, root, file } = await example()
    const plan = await toPlan()
    expect(plan).toEqual({ root, file, images: config.images, exports: config.exports })
    expect(Object.isFrozen(plan.images[0]?.build.options)).toBe(true)
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  })

  it('lets the command line win', async () => {
    const { toPlan } = await example()
    const plan = await toPlan({
      images: ['worker'],
      platforms: ['linux/aarch64', 'all'],
      tags: ['x', 'x:latest', 'y:1'],
      exports: [{ exporter: 'oci-archive', options: { dest: 'a.tar', level: '2' } }],
    })
    expect(plan.images).toMatchObject([
      { name: 'worker', platforms: ['linux/arm64', 'all'], tags: ['x:latest', 'y:1'] },
    ])
    expect(plan.exports).toEqual([
      { exporter: 'oci-archive', options: { dest: 'a.tar', level: 2 } },
    ])
  })

  it('keeps the order of the project file', async () => {
    const { toPlan } = await example()
    const { images } = await toPlan({ images: ['worker', 'api', 'worker'] })
    expect(images.map(({ name }) => name)).toEqual(['api', 'worker'])
  })

  it.each([
    [
      { images: ['wroker'] },
      'IMAGE_UNKNOWN',
      'orch.yaml has no image "wroker"; it has api, worker',
      'Did you mean "worker"?',
    ],
    [
      { tags: ['x:1'] },
      'TAG_AMBIGUOUS',
      'a tag is for one image, but api, worker are selected',
      'Name one image, such as: orch build api -t x:1',
    ],
    [
      { exports: [{ exporter: 'layuot', options: {} }] },
      'EXPORTER_UNKNOWN',
      '--export layuot: no exporter is named "layuot"; expected one of layout, oci-archive',
      'Did you mean "layout"?',
    ],
    [
      { exports: [{ exporter: 'oci-archive', options: { dset: 'x' } }] },
      'EXPORT_INVALID',
      '--export oci-archive: dset: unknown key; expected one of dest, level',
      'Did you mean "dest"?',
    ],
    [
      { exports: [{ exporter: 'oci-archive', options: { dest: 'x', level: 'high' } }] },
      'EXPORT_INVALID',
      '--export oci-archive: level: expected a number, got a string',
      undefined,
    ],
  ])('refuses %j', async (selection, code, line, hint) => {
    const { toPlan } = await example()
    expect(await faultOf(toPlan(selection))).toEqual({ code, lines: [line], hint })
  })

  it.each([
    [{ images: ['api'], tags: ['x@y'] }, 'REFERENCE_INVALID'],
    [{ images: ['api'], tags: ['X'] }, 'REFERENCE_INVALID'],
    [{ images: ['api'], tags: [`x@sha256:${'0'.repeat(64)}`] }, 'REFERENCE_INVALID'],
    [{ platforms: ['linux/'] }, 'PLATFORM_INVALID'],
  ])('refuses %j', async (selection, code) => {
    const { toPlan } = await example()
    expect(await faultOf(toPlan(selection))).toMatchObject({ code })
  })
})
