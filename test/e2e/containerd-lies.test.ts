import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestImage, testImage } from '../../packages/oci/src/graph/test-image.ts'
import { connect } from '../../plugins/containerd/src/client/connect.ts'
import { type Containerd, startContainerd } from '../kit/containerd.ts'
import { type Outcome, orch, run } from '../kit/exec.ts'
import { eachContainerd } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import {
  blobPath,
  expectError,
  expectLoaded,
  heldBy,
  largeImage,
  layoutOf,
  MiB,
  partsOf,
} from './loading.ts'

const name = 'example.com/team/app:1'

let earlier: TestImage
let image: TestImage
let layout = ''
beforeAll(async () => {
  earlier = await testImage(['linux/amd64'])
  image = await largeImage(3 * MiB, ['linux/amd64', 'linux/arm64'])
  layout = await layoutOf(image)
})

eachContainerd()('orch copy into a containerd that has an earlier image', version => {
  let daemon: Containerd
  let before: unknown
  beforeAll(async () => {
    daemon = await startContainerd({ version })
    const loaded = await copy(`oci:${await layoutOf(earlier)}`)
    expect(loaded.exitCode, loaded.stderr).toBe(0)
    before = await heldBy(daemon)
  })

  const place = (): string =>
    `address=${daemon.address},namespace=${daemon.namespace},snapshotter=${daemon.snapshotter}`

  const copy = (source: string, ...more: readonly string[]): Promise<Outcome> =>
    orch(['copy', '--progress', 'quiet', source, `containerd:${name},${place()}`, ...more])

  describe('refuses what is not what its digest says, and leaves all as it was:', () => {
    it.each([
      ['a large layer', () => ({ of: image, part: partsOf(image).layer })],
      [
        'a small layer',
        async () => {
          const of = await testImage(['linux/amd64', 'linux/s390x'])
          return { of, part: partsOf(of).layer }
        },
      ],
      ['a config', () => ({ of: image, part: partsOf(image).config })],
      ['a manifest', () => ({ of: image, part: partsOf(image).manifest })],
    ])('%s, of a layout and of an archive', async (_, which) => {
      const {
        of,
        part: { digest, size },
      } = await which()
      const lying = await layoutOf(of)
      await writeFile(blobPath(lying, digest), randomBytes(size))
      const archive = join(await tempFolder('archive'), 'lying.tar')
      await run('tar', ['-cf', archive, '-C', lying, '.'])
      for (const source of [`oci:${lying}`, `oci-archive:${archive}`]) {
        const outcome = await copy(source)
        expectError(outcome, { exitCode: 1, code: 'BLOB_CORRUPT', says: [digest] })
        expect(await heldBy(daemon)).toEqual(before)
      }
    })
    afterAll(() => expectLoaded(daemon, name, earlier))
  })

  /** What somebody else's upload of the layer left behind, who announced it to have so many bytes. */
  async function leave(bytes: Buffer, announced: number): Promise<void> {
    const { digest } = partsOf(image).layer
    const ref = `layer-${digest}`
    const client = await connect(daemon)
    try {
      const upload = client.content.write()
      const request = { ref, total: announced, expected: digest, offset: 0 }
      await upload.send({ ...request, action: 'write', data: [bytes] })
      await upload.end()
      expect(await daemon.ingests()).toEqual([ref])
    } finally {
      client.close()
    }
  }

  it.each([
    ['its beginning', () => [1 * MiB, partsOf(image).layer.size]],
    ['as many bytes as it has', () => [partsOf(image).layer.size, partsOf(image).layer.size]],
    ['more bytes than it has', () => [4 * MiB, 0]],
    ['the beginning of something larger', () => [1 * MiB, 9 * MiB]],
  ])('sends a layer anew of which a wrong upload left %s', async (_, lengths) => {
    const [length = 0, announced = 0] = lengths()
    await leave(randomBytes(length), announced)
    const outcome = await copy(`oci:${layout}`)
    expect(outcome.exitCode, outcome.stderr).toBe(0)
    await expectLoaded(daemon, name, image)
    expect(await copy(`oci:${await layoutOf(earlier)}`)).toMatchObject({ exitCode: 0 })
    await daemon.collect()
    expect(await heldBy(daemon)).toEqual(before)
  })

  it('takes nothing for right because of what a wrong upload left', async () => {
    const { digest, size } = partsOf(image).layer
    const wrong = randomBytes(size)
    await leave(wrong.subarray(0, 1 * MiB), size)
    const lying = await layoutOf(image)
    await writeFile(blobPath(lying, digest), wrong)
    expectError(await copy(`oci:${lying}`), { exitCode: 1, code: 'BLOB_CORRUPT', says: [digest] })
    expect(await heldBy(daemon)).toEqual(before)
  })
})
