import { describe, expect, it } from 'vitest'
import { project } from './test-project.ts'

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

  it('says what stands under the keys of plugins, and where its paths start', async () => {
    const { settings, root } = await project({
      'orch.yaml': 'hosts: {a: {ca: x.pem}}\nimages: {api: {build: {go: ./x}}}',
    })
    expect(settings).toEqual({ values: { hosts: { a: { ca: 'x.pem' } } }, root })
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
