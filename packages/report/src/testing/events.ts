import type { Event } from '@orch/core'
import { type Digest, digestOf } from '@orch/oci'

export const indexDigest: Digest = digestOf('index')
export const manifestDigest: Digest = digestOf('manifest')
const platforms = ['linux/amd64', 'linux/arm64']

/** What a build of `hello` for two platforms says until its targets are under way. */
export function startEvents(): Event[] {
  const image = 'hello'
  return [
    { at: 0, type: 'build.start', images: [image], exports: ['layout'] },
    { at: 1, type: 'stage.start', image, stage: 'resolvePlatforms' },
    tap(2, 'resolvePlatforms', {}),
    { at: 2, type: 'stage.done', image, stage: 'resolvePlatforms', milliseconds: 1 },
    { at: 2, type: 'image.platforms', image, platforms },
    ...platforms.map(
      (platform): Event => ({ at: 3, type: 'stage.start', image, platform, stage: 'compile' }),
    ),
  ]
}

/** The whole build; `cached` when every piece of work is remembered. */
export function buildEvents(cached: boolean): Event[] {
  const image = 'hello'
  const at = cached ? 20 : 1203
  return [
    ...startEvents(),
    ...platforms.flatMap(platform => targetEvents(platform, at, cached)),
    { at: at + 62, type: 'stage.start', image, stage: 'index' },
    { at: at + 62, type: 'stage.done', image, stage: 'index', milliseconds: 0.4 },
    { at: at + 62, type: 'image.done', image, digest: indexDigest, milliseconds: at + 60 },
    { at: at + 62, type: 'stage.start', image, stage: 'export' },
    {
      at: at + 70,
      type: 'export.done',
      image,
      result: {
        exporter: 'layout',
        image,
        digest: indexDigest,
        location: 'dist/hello',
        names: ['hello:latest'],
      },
      milliseconds: 8,
    },
    { at: at + 70, type: 'stage.done', image, stage: 'export', milliseconds: 8 },
    { at: at + 71, type: 'build.done', ok: true, milliseconds: at + 71 },
  ]
}

function targetEvents(platform: string, at: number, hit: boolean): Event[] {
  const place = { image: 'hello', platform }
  const ran: Event[] = hit
    ? []
    : [{ at, type: 'process', command: ['go', 'build'], exitCode: 0, milliseconds: 1150, ...place }]
  return [
    ...ran,
    { at, type: 'action', kind: 'compile', key: 'a', hit, milliseconds: 9, ...place },
    tap(at, 'compile', place),
    { at, type: 'stage.done', stage: 'compile', milliseconds: at - 3, ...place },
    { at, type: 'stage.start', stage: 'layer', ...place },
    { at: at + 60, type: 'action', kind: 'compress', key: 'b', hit, milliseconds: 58, ...place },
    { at: at + 60, type: 'stage.done', stage: 'layer', milliseconds: 60, ...place },
    { at: at + 60, type: 'stage.start', stage: 'manifest', ...place },
    { at: at + 61, type: 'stage.done', stage: 'manifest', milliseconds: 0.6, ...place },
    { at: at + 61, type: 'target.done', digest: manifestDigest, milliseconds: at + 58, ...place },
  ]
}

/** The same build when the compiler fails for both platforms. */
export function failedEvents(): Event[] {
  const image = 'hello'
  const code = 'GO_BUILD_FAILED'
  const message = 'go build failed\n./main.go:5:2: undefined: x'
  return [
    ...startEvents(),
    ...platforms.map(
      (platform): Event => ({
        at: 803,
        type: 'stage.failed',
        image,
        platform,
        stage: 'compile',
        milliseconds: 800,
      }),
    ),
    ...platforms.map((): Event => ({ at: 804, type: 'image.failed', image, code, message })),
    { at: 805, type: 'build.done', ok: false, milliseconds: 805 },
  ]
}

function tap(at: number, hook: string, place: { image?: string; platform?: string }): Event {
  return { at, type: 'tap', hook, plugin: 'go', milliseconds: 0.2, ok: true, ...place }
}
