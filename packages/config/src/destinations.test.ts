import type { ExportPlan, Plugin } from '@orch/core'
import { describe, expect, it } from 'vitest'
import { planDestinations } from './destinations.ts'
import { fakes, faultOf, project } from './test-project.ts'

const writers: Plugin = {
  name: 'writers',
  destinations: {
    dir: (rest, root) => {
      const [path = '', ...name] = rest.split(':')
      return { exporter: 'layout', options: { dest: `${root}/${path}` }, references: name }
    },
    tar: async rest => ({ exporter: 'oci-archive', options: { dest: rest }, references: [] }),
  },
  setup() {},
}

function plan(...texts: string[]): Promise<readonly ExportPlan[]> {
  return planDestinations(texts, { plugins: [...fakes, writers], root: '/here' })
}

describe('a destination', () => {
  it('is a scheme with a place and a name, options behind commas', async () => {
    expect(await plan('dir:out:x', 'tar://a=b.tar,level=3', 'tar:"a,b.tar"')).toEqual([
      { exporter: 'layout', options: { dest: '/here/out' }, references: ['x:latest'] },
      { exporter: 'oci-archive', options: { dest: 'a=b.tar', level: 3 } },
      { exporter: 'oci-archive', options: { dest: 'a,b.tar' } },
    ])
  })

  it('is an exporter as --export has it', async () => {
    expect(await plan('layout', 'oci-archive,dest=x')).toEqual([
      { exporter: 'layout', options: { dest: 'dist' } },
      { exporter: 'oci-archive', options: { dest: 'x' } },
    ])
  })

  it('takes a shared option when its exporter has it, and its own before that', async () => {
    const options = { plugins: [...fakes, writers], root: '/here', shared: { level: '2' } }
    expect(await planDestinations(['dir:out', 'tar:a', 'tar:b,level=3'], options)).toMatchObject([
      { exporter: 'layout', options: { dest: '/here/out' } },
      { exporter: 'oci-archive', options: { dest: 'a', level: 2 } },
      { exporter: 'oci-archive', options: { dest: 'b', level: 3 } },
    ])
    expect(await faultOf(planDestinations(['dir:out'], options))).toMatchObject({
      code: 'DESTINATION_OPTION',
    })
  })

  it('that is neither is refused with what there is', async () => {
    expect(await faultOf(plan('dirr:out'))).toEqual({
      code: 'DESTINATION_UNKNOWN',
      lines: ['nothing here writes to "dirr:out"'],
      hint: 'Did you mean "dir:"? Destinations are dir, tar, each with a colon and a place (oci:dist/oci), or exporters as --export has them: layout, oci-archive.',
    })
    expect(await faultOf(plan('x.tar'))).toMatchObject({ code: 'DESTINATION_UNKNOWN' })
  })

  it('that reads as an image in a registry is told how to write it', async () => {
    const docker = { exporter: 'layout', options: {}, references: [] }
    const plugins = [...fakes, { ...writers, destinations: { 'docker://': () => docker } }]
    const hintOf = async (text: string): Promise<string> =>
      (await faultOf(planDestinations([text], { plugins, root: '/' }))).hint ?? ''
    for (const text of ['h.example/y:1', 'localhost:5000/y', 'team/app:1'])
      expect(await hintOf(`${text},level=1`)).toMatch(
        new RegExp(`^For an image in a registry, write docker://${text}\\. Dest`),
      )
    for (const text of ['dist/oci', './out', 'dokcer:y:1'])
      expect(await hintOf(text)).not.toContain('write docker://')
  })

  it('that reads as a name with a tag is told both ways, and one colon is no registry', async () => {
    const destination = { exporter: 'layout', options: {}, references: [] }
    const own = { docker: () => destination, 'docker://': () => destination }
    const plugins = [...fakes, { ...writers, destinations: own }]
    const hintOf = async (text: string): Promise<string> =>
      (await faultOf(planDestinations([text], { plugins, root: '/' }))).hint ?? ''
    const both =
      /^For Docker Engine, write docker:hello:1; for a registry, docker:\/\/host\/hello:1\. /
    expect(await hintOf('hello:1')).toMatch(both)
    for (const text of ['Docker:hello', 'dokcer:hello:1', 'dcoker:hello'])
      expect(await hintOf(text)).toMatch(/^Did you mean "docker:"\? Dest/)
    expect(await hintOf('Docker://hello')).toMatch(/^Did you mean "docker:\/\/"\? Dest/)
    expect(await hintOf('hello')).toMatch(/^Destinations/)
  })

  it('is no exporter, and how to write it as one is told', async () => {
    const { toPlan } = await project(
      { 'orch.yaml': 'images: { api: { build: { bazel: x } } }' },
      { builtins: [...fakes, writers] },
    )
    const exports = [{ exporter: 'tar:out:x', options: {} }]
    expect(await faultOf(toPlan({ exports }))).toMatchObject({
      code: 'EXPORTER_UNKNOWN',
      hint: 'Write -e oci-archive,dest=out:x.',
    })
    expect(
      await faultOf(toPlan({ exports: [{ exporter: 'dir:a:x', options: {} }] })),
    ).toMatchObject({
      hint: expect.stringMatching(/^Write -e layout,dest=\S+\/a -t x\.$/),
    })
  })

  it('is offered options that it may have or not', async () => {
    const options = { plugins: [...fakes, writers], root: '/here', offered: { level: '2' } }
    expect(await planDestinations(['dir:out', 'tar:a', 'tar:b,level=3'], options)).toMatchObject([
      { exporter: 'layout', options: { dest: '/here/out' } },
      { exporter: 'oci-archive', options: { level: 2 } },
      { exporter: 'oci-archive', options: { level: 3 } },
    ])
    expect(await planDestinations(['dir:out'], options)).toHaveLength(1)
  })

  it('gives an option once, and only one that its exporter has', async () => {
    expect(await faultOf(plan('tar:a.tar,dest=b.tar'))).toMatchObject({
      code: 'EXPORT_INVALID',
      lines: ['tar:a.tar,dest=b.tar: the option dest stands before the first comma already'],
    })
    const { code, lines } = await faultOf(plan('tar:a.tar,depth=3', 'dir:x,dust=1'))
    expect(code).toBe('EXPORT_INVALID')
    expect(lines).toEqual([
      expect.stringMatching(/^tar:a\.tar,depth=3: /),
      expect.stringMatching(/^dir:x,dust=1: /),
    ])
  })

  it('is read by a plugin that may fail', async () => {
    const bad: Plugin = {
      name: 'bad',
      destinations: {
        thrown: () => {
          throw new TypeError('no key')
        },
        shapeless: () => ({ exporter: 'layout' }) as never,
      },
      setup() {},
    }
    const options = { plugins: [...fakes, bad], root: '/here' }
    expect(await faultOf(planDestinations(['thrown:x'], options))).toMatchObject({
      code: 'PLUGIN_FAILED',
      lines: ['thrown:x: the plugin that reads it failed: no key'],
    })
    expect(await faultOf(planDestinations(['shapeless:x'], options))).toMatchObject({
      code: 'PLUGIN_ANSWER_INVALID',
    })
  })

  it('names an image as tags do', async () => {
    expect(await faultOf(plan('dir:out:UPPER'))).toMatchObject({ code: 'REFERENCE_INVALID' })
  })
})
