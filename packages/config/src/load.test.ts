import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadProject } from './load.ts'
import { fakes, faultOf, folder, project } from './test-project.ts'

/** The lines and the hint for an orch.yaml whose one image has this body. */
async function faultInImage(body: string): Promise<{ lines: string[]; hint: string | undefined }> {
  const text = `images:\n  api:\n    build: {go: ./x}\n${body.replace(/^/gm, '    ')}\n`
  const { code, lines, hint } = await faultOf(project({ 'orch.yaml': text }))
  expect(code).toBe('CONFIG_INVALID')
  return { lines, hint }
}

describe('a wrong image', () => {
  it.each([
    [
      'buidl: {}',
      '4:5: images.api.buidl: unknown key; expected one of build, base, platforms, tags, entrypoint, cmd, env, user, workdir, labels, annotations, compression, files',
      'Did you mean "build"?',
    ],
    [
      'entrypoint: ls',
      '4:17: images.api.entrypoint: expected a list of strings, got a string',
      'Write it as a list: [ls]',
    ],
    [
      'platforms: linux/amd64',
      '4:16: images.api.platforms: expected a list of strings, got a string',
      'Write it as a list: [linux/amd64]',
    ],
    [
      'cmd: serve --port 80',
      '4:10: images.api.cmd: expected a list of strings, got a string',
      'Write it as a list: ["serve --port 80"]',
    ],
    ['cmd: 5', '4:10: images.api.cmd: expected a list of strings, got a number', undefined],
    [
      'cmd: [a, true]',
      '4:14: images.api.cmd[1]: expected a string, got a boolean',
      'Put it in quotes: "true"',
    ],
    [
      'env: {A: 1.10}',
      '4:14: images.api.env.A: expected a string, got a number',
      'Put it in quotes: "1.10"',
    ],
    ['env:\n  A:', '5:7: images.api.env.A: expected a string, got nothing', undefined],
    [
      'env: {A=B: x}',
      '4:11: images.api.env["A=B"]: expected the name of a variable, without =',
      undefined,
    ],
    [
      'labels: {"": x}',
      '4:14: images.api.labels[""]: expected a name that is not empty',
      undefined,
    ],
    [
      'base: {defalt: a}',
      '4:12: images.api.base.defalt: "defalt" is not a platform',
      'Write os/architecture or os/architecture/variant, such as linux/arm64 or linux/arm/v7.',
    ],
    ['base: {}', '4:11: images.api.base: expected a platform or default', undefined],
    [
      'base: {default: 5}',
      '4:21: images.api.base.default: expected a string, got a number',
      'Put it in quotes: "5"',
    ],
    [
      'base: [a]',
      '4:11: images.api.base: expected a string or a map of strings, got a list',
      undefined,
    ],
    [
      'base: {linux/arm64: a, linux/arm64/v8: b}',
      '4:28: images.api.base["linux/arm64/v8"]: it means the same platform as linux/arm64; expected each platform once',
      undefined,
    ],
    ['labels: [a]', '4:13: images.api.labels: expected a map of strings, got a list', undefined],
    [
      'user: 65532',
      '4:11: images.api.user: expected a string, got a number',
      'Put it in quotes: "65532"',
    ],
    ['workdir: app', '4:14: images.api.workdir: expected an absolute path', undefined],
    ['base: ""', '4:11: images.api.base: must not be empty', undefined],
    ['platforms: []', '4:16: images.api.platforms: expected at least 1 item', undefined],
    [
      'platforms: [linux/amd64, "linux/"]',
      '4:30: images.api.platforms[1]: "linux/" is not a platform',
      'Write os/architecture or os/architecture/variant, such as linux/arm64 or linux/arm/v7.',
    ],
    [
      'tags: [UP]',
      '4:12: images.api.tags[0]: "UP" is not an image reference: the repository must be lower-case',
      'Write [host[:port]/]repository[:tag][@digest], such as example.com/team/api:dev.',
    ],
    [
      'compression: gzpi',
      '4:18: images.api.compression: expected one of "gzip", "zstd", "none" or a map, got "gzpi"',
      'Did you mean "gzip"?',
    ],
    [
      'compression: {type: gzip, level: 12}',
      '4:38: images.api.compression.level: expected 1 to 9 for gzip, got 12',
      undefined,
    ],
    [
      'compression: {type: none, level: 1}',
      '4:38: images.api.compression.level: none has no level',
      undefined,
    ],
    [
      'compression: {type: zstd, level: 1.5}',
      '4:38: images.api.compression.level: expected a whole number, got 1.5',
      undefined,
    ],
    [
      'compression: {typ: gzip}',
      '4:19: images.api.compression.typ: unknown key; expected one of type, level',
      'Did you mean "type"?',
    ],
    ['files: {}', '4:12: images.api.files: expected a list of maps, got a map', undefined],
    [
      'files: [{from: a, too: b}]',
      '4:23: images.api.files[0].too: unknown key; expected one of from, to, link',
      'Did you mean "to"?',
    ],
    [
      'files: [{to: b}]',
      '4:13: images.api.files[0]: expected a map with from, to; or with link, to',
      undefined,
    ],
    ['files: [3]', '4:13: images.api.files[0]: expected a map, got a number', undefined],
  ])('%s', async (body, line, hint) => {
    expect(await faultInImage(body)).toEqual({ lines: [`orch.yaml:${line}`], hint })
  })
})

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
        'orch.yaml:6:1: platform: unknown key; expected one of $schema, platforms, images, export, plugins',
        'orch.yaml:7:1: images2: unknown key; expected one of $schema, platforms, images, export, plugins',
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

describe('a right project', () => {
  it('gets its defaults', async () => {
    const { config } = await project({
      'orch.yaml': '$schema: x\nimages: {api: {build: {go: ./x}}}',
    })
    expect(config).toEqual({
      settings: {},
      images: [
        {
          name: 'api',
          build: { builder: 'go', options: { go: './x', flags: [] } },
          base: 'static',
          platforms: ['local'],
          tags: ['api:latest'],
          config: {},
          labels: {},
          annotations: {},
          compression: { type: 'gzip' },
          extensions: {},
        },
      ],
      exports: [{ exporter: 'layout', options: { dest: 'dist' } }],
    })
  })

  it('names platforms of bases as it names others', async () => {
    const { config } = await project({
      'orch.yaml': 'images: {api: {build: {go: ./x}, base: {linux/aarch64: a, default: scratch}}}',
    })
    expect(config.images[0]?.base).toEqual({ 'linux/arm64': 'a', default: 'scratch' })
  })

  it('keeps what it says', async () => {
    const text = `
platforms: [linux/amd64, linux/aarch64, linux/arm64]
images:
  api:
    build: {go: ./cmd/api, ldflags: [-s, -w]}
    base: scratch
    tags: ["example.com/team/api", "example.com/team/api:\${TAG:-dev}", "example.com/team/api:latest"]
    entrypoint: [/api]
    cmd: []
    env: {A: "1.10"}
    user: "65532"
    workdir: 'C:\\app'
    labels: {a.b/c: d}
    annotations: {e: f}
    compression: {type: zstd, level: 19}
    files: [{from: a, to: /b}]
  worker:
    build: {bazel: "//worker:image"}
    platforms: [all, linux/arm]
    compression: none
export:
  - layout
  - oci-archive,dest=a.tar,level=3
  - layout:
  - oci-archive: {dest: b.tar, level: 4}
`
    const { config } = await project({ 'orch.yaml': text })
    expect(config).toEqual({
      settings: {},
      images: [
        {
          name: 'api',
          build: { builder: 'go', options: { go: './cmd/api', ldflags: ['-s', '-w'], flags: [] } },
          platforms: ['linux/amd64', 'linux/arm64'],
          tags: ['example.com/team/api:latest', 'example.com/team/api:dev'],
          config: {
            entrypoint: ['/api'],
            cmd: [],
            env: { A: '1.10' },
            user: '65532',
            workdir: 'C:\\app',
          },
          labels: { 'a.b/c': 'd' },
          annotations: { e: 'f' },
          compression: { type: 'zstd', level: 19 },
          extensions: { files: [{ from: 'a', to: '/b' }] },
        },
        {
          name: 'worker',
          build: { builder: 'bazel', options: { bazel: '//worker:image' } },
          base: 'static',
          platforms: ['all', 'linux/arm/v7'],
          tags: ['worker:latest'],
          config: {},
          labels: {},
          annotations: {},
          compression: { type: 'none' },
          extensions: {},
        },
      ],
      exports: [
        { exporter: 'layout', options: { dest: 'dist' } },
        { exporter: 'oci-archive', options: { dest: 'a.tar', level: 3 } },
        { exporter: 'layout', options: { dest: 'dist' } },
        { exporter: 'oci-archive', options: { dest: 'b.tar', level: 4 } },
      ],
    })
  })
})
