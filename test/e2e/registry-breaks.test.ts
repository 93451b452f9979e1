import { setTimeout as sleep } from 'node:timers/promises'
import { type Digest, isDocumentType, readBlob } from '@orch/oci'
import { createRegistries, type Registries } from '@orch/registry'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestImage, testImage } from '../../packages/oci/src/graph/test-image.ts'
import { type Cutting, cutting } from '../kit/cutting.ts'
import { type Outcome, type Running, run, startOrch } from '../kit/exec.ts'
import { type Registry, startRegistry } from '../kit/registry.ts'
import { startScriptedRegistry } from '../kit/scripted-registry.ts'
import { eachRegistry } from '../kit/services.ts'
import { toolProgram } from '../kit/tools.ts'
import { type LayeredImage, layeredImage } from './layered.ts'
import { expectError, MiB } from './loading.ts'

const platforms = ['linux/amd64', 'linux/arm64']

let image: LayeredImage
let large: LayeredImage
let earlier: TestImage
beforeAll(async () => {
  // crane reads no layers that are not compressed.
  image = await layeredImage(platforms, 4 * MiB, 'gzip')
  large = await layeredImage(platforms, 24 * MiB, 'gzip')
  earlier = await testImage(platforms)
})

function copy({ layout }: LayeredImage, host: string, name: string): Promise<Running> {
  return startOrch(['copy', '--progress', 'quiet', `oci:${layout}`, `docker://${host}/${name}:1`])
}

/** Does something so many times, some at once: most of it is waiting. */
async function times(count: number, work: (turn: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: 5 }, worker))
}

/** Some byte of a push: of the questions at its beginning, of its manifests and tags at its end, or of any. */
function somePoint(turn: number, total: number): number {
  const edge = 10_000
  const chance = Math.random()
  if (turn % 3 === 0) return 1 + Math.floor(chance * edge)
  if (turn % 3 === 1) return total - Math.floor(chance * edge)
  return 1 + Math.floor(chance * total)
}

async function untilPassed(proxy: Cutting, bytes: number): Promise<void> {
  for (const until = Date.now() + 60_000; Date.now() < until; await sleep(2))
    if (proxy.bytes >= bytes) return
  throw new Error(`no ${bytes} bytes went through`)
}

eachRegistry('crane')('a push whose connection is cut', version => {
  let registry: Registry
  let client: Registries
  /** Bytes, both ways, of a push that nothing befalls. */
  let total = 0
  let cuts = 0
  let names = 0
  beforeAll(async () => {
    registry = await startRegistry({ version })
    client = createRegistries({ env: {} })
    const proxy = await cutting(registry.host)
    const { exitCode, stderr } = await (await copy(image, proxy.host, 'whole')).done
    expect(exitCode, stderr).toBe(0)
    total = proxy.bytes
    await proxy.close()
  })
  afterAll(() => client.close())

  /** Puts another image under the tag that the push is to write. */
  async function seed(name: string): Promise<void> {
    const repository = client.repository(registry.host, name)
    for (const blob of earlier.blobs.values()) {
      const { digest, mediaType } = blob.descriptor
      const tags = digest === earlier.root.digest ? ['1'] : []
      if (!isDocumentType(mediaType)) await repository.push(blob)
      else await repository.put({ bytes: await readBlob(blob), mediaType }, tags)
    }
  }

  /** What the tag names, of which every byte is there. */
  async function tagged(name: string): Promise<Digest | undefined> {
    const reference = `${registry.host}/${name}:1`
    await run(toolProgram('crane'), ['validate', '--remote', reference], registry)
    return (await client.repository(registry.host, name).resolve('1'))?.descriptor.digest
  }

  /** It succeeded, or it said so and the tag is what it was: all there is beside whole images. */
  async function expectRightOrClean(name: string, outcome: Outcome, what: string): Promise<void> {
    const digest = await tagged(name)
    if (outcome.exitCode === 0) {
      expect(digest, what).toBe(image.digest)
      return
    }
    expectError(outcome, { exitCode: 1, code: 'REGISTRY_UNREACHABLE', says: ['127.0.0.1'] })
    // Only the answer to the tag may have been lost.
    expect([earlier.root.digest, image.digest], what).toContain(digest)
  }

  /** Pushes through a proxy that cuts the connection at these points. */
  async function cutAt(name: string, after: readonly number[], ends: boolean): Promise<Outcome> {
    await seed(name)
    const proxy = await cutting(registry.host, { after, ends })
    const outcome = await (await copy(image, proxy.host, name)).done
    const what = `cut after ${after} of ${total}: ${outcome.stderr}`
    await expectRightOrClean(name, outcome, what)
    expect(outcome.exitCode === 0, what).toBe(!ends)
    cuts += proxy.cuts
    await proxy.close()
    return outcome
  }

  it('at 60 random points and more, ends right, or clean when it is cut off for good', async () => {
    // Those that never come through wait for long, and little else.
    const gone = Promise.all(
      [0, 1, 1, 2].map(kind => cutAt(`gone/${names++}`, [somePoint(kind, total)], true)),
    )
    await times(30, async turn => {
      const count = turn % 2 === 0 ? 3 : 1
      const after = Array.from({ length: count }, () => somePoint(turn, total))
      await cutAt(`cut/${names++}`, after, false)
    })
    await gone
    expect(cuts).toBeGreaterThanOrEqual(60)
  })

  it.each(['kill', 'restart'] as const)('by a %s of the registry, ends right', async how => {
    const name = `registry/${how}`
    await seed(name)
    const proxy = await cutting(registry.host)
    const pushing = await copy(large, proxy.host, name)
    await untilPassed(proxy, 8 * MiB)
    if (how === 'kill') await registry.kill()
    await registry.restart()
    const { exitCode, stderr } = await pushing.done
    expect(exitCode, stderr).toBe(0)
    expect(await tagged(name)).toBe(large.digest)
    await proxy.close()
  })

  it('by Ctrl-C, ends soon', async () => {
    await seed('interrupted')
    const proxy = await cutting(registry.host)
    const pushing = await copy(large, proxy.host, 'interrupted')
    await untilPassed(proxy, 8 * MiB)
    await expectInterrupted(pushing)
    expect(await tagged('interrupted')).toBe(earlier.root.digest)
    await proxy.close()
  })

  it('by Ctrl-C while the registry hangs, ends soon', async () => {
    await seed('hanging')
    const proxy = await cutting(registry.host)
    const pushing = await copy(large, proxy.host, 'hanging')
    await untilPassed(proxy, 8 * MiB)
    process.kill(registry.pid, 'SIGSTOP')
    await expectInterrupted(pushing)
    process.kill(registry.pid, 'SIGCONT')
    expect(await tagged('hanging')).toBe(earlier.root.digest)
    await proxy.close()
  })
})

/** Interrupts a push, which says so within five seconds and gives no result. */
async function expectInterrupted(pushing: Running): Promise<void> {
  const began = performance.now()
  pushing.kill('SIGINT')
  const { exitCode, stdout, stderr } = await pushing.done
  expect(performance.now() - began).toBeLessThan(5000)
  expect(exitCode, stderr).toBe(130)
  expect(stdout).toBe('')
  expect(stderr).toContain('interrupted')
  expect(stderr).not.toContain('error[')
}

describe('a push that is interrupted', () => {
  it.each([
    ['while blobs are sent', { method: 'PUT', path: '/blobs/uploads/', times: 99 }],
    ['while it waits for answers to manifests', { method: 'PUT', path: '/manifests/', times: 99 }],
    ['while uploads begin', { method: 'POST', after: 1, times: 99 }],
  ])('%s writes no tag and leaves no upload open', async (_, match) => {
    const server = await startScriptedRegistry()
    const { promise: arrived, resolve } = Promise.withResolvers<void>()
    server.fail(match, { first: () => resolve(), delay: 10_000 })
    const pushing = await copy(image, server.host, 'x')
    await arrived
    await expectInterrupted(pushing)
    expect(server.repositories.get('x')?.tags.size ?? 0).toBe(0)
    expect(server.uploads.size).toBe(0)
    await server.close()
  })
})
