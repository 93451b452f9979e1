import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { ExportContext } from '@orch/core'
import { type Digest, digestOf, type ImageSource, parsePlatform } from '@orch/oci'

import { onTestFinished } from 'vitest'
import { openStore } from '../../../../packages/store/src/store.ts'
import type { Engine, EngineImage, ImageStore } from '../engine/types.ts'
import type { Request } from './request.ts'
import { Underway } from './underway.ts'

/** For tests: an engine that keeps what it is told to, and says what it was sent. */
export interface FakeEngine extends Engine {
  /** The paths of the blobs of each load. */
  readonly loads: string[][]
  /** By ID. */
  readonly held: Map<Digest, EngineImage>
  readonly tagged: string[]
  readonly removed: string[]
}

/** @param onLoad what becomes of a load, by its number from 1; may throw what a load throws */
export function fakeEngine(
  store: ImageStore,
  onLoad: (engine: FakeEngine, load: number) => void,
): FakeEngine {
  const names = new Map<string, Digest>()
  const engine: FakeEngine = {
    where: 'unix:///fake.sock',
    atOnce: Number.POSITIVE_INFINITY,
    info: {
      store,
      platform: parsePlatform('linux/amd64'),
      apiVersion: store === 'containerd' ? '1.56' : '1.41',
      version: '0.0.0',
    },
    loads: [],
    held: new Map(),
    tagged: [],
    removed: [],
    inspect: async name => engine.held.get(names.get(name) ?? (name as Digest)),
    images: async () => [...engine.held.values()],
    async tag(id, name) {
      names.set(name, id as Digest)
      engine.tagged.push(name)
      return true
    },
    async load(archive) {
      const inside = namesIn(await buffer(archive))
      engine.loads.push(inside.filter(name => /^blobs\/sha256\/[0-9a-f]{64}$/.test(name)))
      onLoad(engine, engine.loads.length)
    },
    async remove(id) {
      engine.removed.push(id)
      return names.delete(id) || engine.held.delete(id as Digest)
    },
    save: () => Promise.reject(new Error('not asked for')),
    close() {},
  }
  return engine
}

/** What a tar holds: a header of 512 bytes each, and the content in blocks of so many (POSIX pax, ustar). */
function namesIn(tar: Buffer): string[] {
  const names: string[] = []
  const text = (at: number, length: number): string =>
    tar.toString('latin1', at, at + length).replace(/\0.*$/s, '')
  for (let at = 0; text(at, 100) !== ''; ) {
    names.push(text(at, 100))
    at += 512 + Math.ceil(Number.parseInt(text(at + 124, 12), 8) / 512) * 512
  }
  return names
}

/** A request to load the image as `x:1`, and what people are told meanwhile. */
export async function requestOf(
  engine: Engine,
  image: ImageSource,
): Promise<{ request: Request; told: string[] }> {
  const root = await mkdtemp(join(tmpdir(), 'orch-docker-test-'))
  const store = await openStore({ root })
  onTestFinished(async () => {
    await store.close()
    await rm(root, { recursive: true, force: true })
  })
  const told: string[] = []
  const emit = (event: { type: string; message?: string }): void => {
    if (event.type === 'log') told.push(event.message ?? '')
  }
  const limits = { cpu: (work: () => Promise<unknown>) => work() }
  const { signal } = new AbortController()
  const context = { signal, store, events: { emit }, limits } as unknown as ExportContext
  const request: Request = {
    engine,
    underway: new Underway(),
    image: { ...image, name: 'x', references: ['x:1'] },
    names: ['x:1'],
    platforms: undefined,
    exporter: 'docker',
    context,
  }
  return { request, told }
}

/** What an engine says of an image. */
export function engineImage(more: Partial<EngineImage>): EngineImage {
  const platform = parsePlatform('linux/amd64')
  return { id: digestOf('an image'), tags: [], diffIds: [], manifests: [], platform, ...more }
}
