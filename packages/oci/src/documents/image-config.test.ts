import { describe, expect, it } from 'vitest'
import { encodeJson } from '../json.ts'
import { digestOf } from './digest.ts'
import { encodeImageConfig, parseImageConfig } from './image-config.ts'

const diffId = digestOf('layer')
const minimal = {
  architecture: 'amd64',
  os: 'linux',
  rootfs: { type: 'layers', diff_ids: [diffId] },
}
const read = (changes: object): ReturnType<typeof parseImageConfig> =>
  parseImageConfig(encodeJson({ ...minimal, ...changes }), 'config x')
const rewritten = (changes: object): unknown =>
  JSON.parse(Buffer.from(encodeImageConfig(read(changes))).toString())

describe('an image configuration', () => {
  it('is read as Docker writes it, nulls as absent', () => {
    const config = read({
      created: '2024-01-01T00:00:00Z',
      author: null,
      variant: null,
      'os.version': null,
      'os.features': null,
      config: {
        User: '',
        ExposedPorts: null,
        Env: ['PATH=/bin'],
        Cmd: null,
        Entrypoint: null,
        Volumes: null,
        Labels: null,
        WorkingDir: '/',
      },
      history: [{ created: null, created_by: '/bin/sh -c #(nop)', empty_layer: true }],
    })
    expect(config).toEqual({
      ...minimal,
      created: '2024-01-01T00:00:00Z',
      config: { User: '', Env: ['PATH=/bin'], WorkingDir: '/' },
      history: [{ created_by: '/bin/sh -c #(nop)', empty_layer: true }],
    })
  })

  it('may have neither config, history nor layers', () => {
    expect(
      read({ config: null, history: null, rootfs: { type: 'layers', diff_ids: null } }),
    ).toEqual({ ...minimal, rootfs: { type: 'layers', diff_ids: [] } })
    expect(read({ rootfs: {} }).rootfs).toEqual({ type: 'layers', diff_ids: [] })
  })

  it('keeps the fields that the specification does not name', () => {
    const extra = {
      docker_version: '20.10',
      container: 'abc',
      container_config: { Cmd: null, Image: 'sha256:x' },
      'moby.buildkit.buildinfo.v1': 'x',
      'os.version': '10.0.20348.169',
      'os.features': ['win32k'],
      variant: 'v2',
      unknown: null,
      config: {
        Healthcheck: { Test: ['CMD', 'true'], Interval: 30_000_000_000 },
        ArgsEscaped: true,
        OnBuild: null,
        Shell: ['sh'],
        ExposedPorts: { '80/tcp': {} },
        Labels: { a: 'b' },
      },
      history: [{ created_by: 'x', 'x.extra': [1] }],
    }
    expect(rewritten(extra)).toEqual({ ...minimal, ...extra })
  })

  it('is written in a fixed order', () => {
    const a = encodeImageConfig({ ...read({ config: {} }), created: 'now' })
    expect(Buffer.from(a).toString()).toBe(
      `{"created":"now","architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["${diffId}"]}}`,
    )
    const { os, ...rest } = read({ config: {} })
    expect(encodeImageConfig({ ...rest, created: 'now', os })).toEqual(a)
  })

  it.each([
    ['no rootfs', { rootfs: undefined }],
    ['a rootfs that is a list', { rootfs: [] }],
    ['a rootfs of another type', { rootfs: { type: 'layers+base', diff_ids: [] } }],
    ['diffIDs that are no list', { rootfs: { type: 'layers', diff_ids: diffId } }],
    ['a diffID within a list', { rootfs: { type: 'layers', diff_ids: [[diffId]] } }],
    ['a config that is a list', { config: [] }],
    ['a history that is an object', { history: {} }],
    ['a history of text', { history: ['x'] }],
    ['an empty_layer that is text', { history: [{ empty_layer: 'true' }] }],
    ['an environment in text', { config: { Env: 'A=1' } }],
    ['an environment of numbers', { config: { Env: [1] } }],
    ['an entrypoint in text', { config: { Entrypoint: '/bin/sh' } }],
    ['labels in a list', { config: { Labels: ['a=b'] } }],
    ['labels of numbers', { config: { Labels: { a: 1 } } }],
    ['a user that is a number', { config: { User: 0 } }],
    ['a time that is a number', { created: 0 }],
  ])('is refused with %s', (_what, changes) => {
    expect(() => read(changes)).toThrow(
      expect.objectContaining({
        code: 'DOCUMENT_INVALID',
        message: expect.stringContaining('config x'),
      }),
    )
  })

  it.each([
    [{ Os: 'windows' }],
    [{ Rootfs: {} }],
    [{ rootfs: { ...minimal.rootfs, DiffIds: [], Diff_IDs: [] } }],
    [{ config: { Env: [], env: ['LD_PRELOAD=x'] } }],
    [{ config: { entrypoint: ['sh'] } }],
  ])('is refused with a field in another case: %j', changes => {
    expect(() => read(changes)).toThrow(expect.objectContaining({ code: 'DOCUMENT_AMBIGUOUS' }))
  })

  it('is refused with a diffID that is no digest', () => {
    const rootfs = { type: 'layers', diff_ids: ['sha256:abc'] }
    expect(() => read({ rootfs })).toThrow(expect.objectContaining({ code: 'DIGEST_INVALID' }))
  })
})
