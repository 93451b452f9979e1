import { describe, expect, it } from 'vitest'
import { faultOf, project } from './test-project.ts'

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
