import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadProject } from './load.ts'
import { fakes, faultOf, folder, project } from './test-project.ts'

describe('a wrong project', () => {
  it.each([
    ['', '1:1: expected a map, got nothing'],
    ['- a', '1:1: expected a map, got a list'],
    ['{}', '1:1: images: missing; expected a map of images by name'],
    ['images:', '1:1: images: expected a map of images by name, got nothing'],
    ['images: {}', '1:9: images: expected at least one image'],
    ['images: {a: }', '1:10: images.a: expected a map, got nothing'],
    ['images: {a: {}}', '1:10: images.a.build: missing; expected a map with one of go, bazel'],
    [
      'images: {a: {build: ./x}}',
      '1:21: images.a.build: expected a map with one of go, bazel, got a string',
    ],
    [
      'images: {a: {build: {}}}',
      '1:14: images.a.build: names no builder; expected exactly one of go, bazel',
    ],
    [
      'images: {a: {build: {gi: x}}}',
      '1:22: images.a.build.gi: no builder has this name; expected exactly one of go, bazel',
    ],
    [
      'images: {a: {build: {go: x, bazel: y}}}',
      '1:29: images.a.build.bazel: names two builders; expected exactly one of go, bazel',
    ],
    [
      'images: {a: {build: {go: x, ldflags: 5}}}',
      '1:38: images.a.build.ldflags: expected a string or a list of strings, got a number',
    ],
    [
      'images: {a: {build: {go: x, cgo: maybe}}}',
      '1:34: images.a.build.cgo: expected true or false, got a string',
    ],
    [
      'images: {A: {build: {go: x}}}',
      '1:10: images.A: expected a name of lower-case letters and digits, single . _ or - between them',
    ],
    [
      'images: {a: {build: {go: x}, tags: ["x:1"]}, b: {build: {go: x}, tags: ["docker.io/library/x:1"]}}',
      '1:73: images.b.tags[0]: the tag docker.io/library/x:1 is taken by images.a.tags[0]; expected one that no other image has',
    ],
    [
      'images: {a: {build: {go: x}, tags: [b]}, b: {build: {go: x}}}',
      '1:45: images.b: the tag b:latest is taken by images.a.tags[0]; expected one that no other image has',
    ],
    [
      'hosts: {a: {ca: 5}}\nimages: {a: {build: {go: x}}}',
      '1:17: hosts.a.ca: expected a string, got a number',
    ],
    [
      'images: {a: {build: {go: x}}}\nhosts: {a: {ac: x, ca: x}}',
      '2:13: hosts.a.ac: unknown key; expected one of ca',
    ],
  ])('%s', async (text, line) => {
    const { code, lines } = await faultOf(project({ 'orch.yaml': text }))
    expect({ code, lines }).toEqual({ code: 'CONFIG_INVALID', lines: [`orch.yaml:${line}`] })
  })

  it.each([
    ['{}', 'CONFIG_INVALID', '1:9: export: expected a list of strings or maps, got a map'],
    ['[]', 'CONFIG_INVALID', '1:9: export: expected at least 1 item'],
    [
      '[layuot]',
      'EXPORTER_UNKNOWN',
      '1:10: export[0]: no exporter is named "layuot"; expected one of layout, oci-archive',
    ],
    [
      '[{layuot: {}}]',
      'EXPORTER_UNKNOWN',
      '1:11: export[0].layuot: no exporter is named "layuot"; expected one of layout, oci-archive',
    ],
    [
      '[{layout: , oci-archive: }]',
      'CONFIG_INVALID',
      '1:10: export[0]: expected one exporter with its options, got several keys',
    ],
    [
      '["layout,x"]',
      'CONFIG_INVALID',
      '1:10: export[0]: "layout,x" is not an export: expected key=value, got "x"',
    ],
    ['[oci-archive]', 'CONFIG_INVALID', '1:10: export[0].dest: missing; expected a string'],
    [
      '[{oci-archive: {dset: a}}]',
      'CONFIG_INVALID',
      '1:25: export[0].oci-archive.dset: unknown key; expected one of dest, level',
    ],
    [
      '["oci-archive,dest=a,level=0"]',
      'CONFIG_INVALID',
      '1:10: export[0].level: expected at least 1',
    ],
    ['[3]', 'CONFIG_INVALID', '1:10: export[0]: expected a string or a map, got a number'],
  ])('export: %s', async (exports, code, line) => {
    const text = `export: ${exports}\nimages: {a: {build: {go: x}}}\n`
    const fault = await faultOf(project({ 'orch.yaml': text }))
    expect(fault).toMatchObject({ code, lines: [`orch.yaml:${line}`] })
  })

  it('is told everything at once, in the order of the file, each hint with its place', async () => {
    const text = `images:
  api:
    build: {go: "./\${CMD}", flag: []}
    tags: ["\${TAG}"]
    env: {PORT: 80}
platform: [linux/amd64]
images2: {}
`
    expect(await faultOf(project({ 'orch.yaml': text }))).toEqual({
      code: 'CONFIG_INVALID',
      lines: [
        'orch.yaml:3:20: images.api.build.go: the environment variable CMD is not set',
        'orch.yaml:3:29: images.api.build.flag: unknown key; expected one of go, ldflags, flags, cgo',
        'orch.yaml:4:13: images.api.tags[0]: the environment variable TAG is not set',
        'orch.yaml:5:17: images.api.env.PORT: expected a string, got a number',
        'orch.yaml:6:1: platform: unknown key; expected one of $schema, platforms, images, export, plugins, hosts',
        'orch.yaml:7:1: images2: unknown key; expected one of $schema, platforms, images, export, plugins, hosts',
      ],
      hint: [
        `3:20: Set it, or give a default: \${CMD:-default}.`,
        '3:29: Did you mean "flags"?',
        `4:13: Set it, or give a default: \${TAG:-default}.`,
        '5:17: Put it in quotes: "80"',
        '6:1: Did you mean "platforms"?',
        '7:1: Did you mean "images"?',
      ].join('\n'),
    })
  })

  it('is named relative to the working directory', async () => {
    const root = await folder({ 'orch.yaml': 'a: 1', 'sub/x.txt': '' })
    const load = loadProject({ cwd: join(root, 'sub'), builtins: fakes, env: {} })
    expect((await faultOf(load)).lines[0]).toMatch(/^\.\.\/orch\.yaml:1:1: /)
  })

  it('must be UTF-8', async () => {
    const root = await folder({})
    await writeFile(join(root, 'orch.yaml'), Buffer.from([0x61, 0x3a, 0xff]))
    const load = loadProject({ cwd: root, builtins: fakes, env: {} })
    expect(await faultOf(load)).toMatchObject({ code: 'CONFIG_UNREADABLE' })
  })

  it('is of a kind that is known', async () => {
    expect(await faultOf(project({ 'orch.toml': '' }, { file: 'orch.toml' }))).toMatchObject({
      code: 'CONFIG_UNREADABLE',
      lines: ['orch.toml is not a kind of file that can be a project file'],
    })
  })
})
