import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { type TestImage, testImage } from '../graph/test-image.ts'

/** What tests of layouts begin with: there while the tests of the file run that imports it. */
export let folder = ''
export let image: TestImage
/** Has one platform in common with `image`. */
export let other: TestImage

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orch-layout-'))
  image = await testImage(['linux/amd64', 'linux/arm64'])
  other = await testImage(['linux/amd64', 'linux/s390x'])
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let count = 0
/** A path for a layout that is not there yet. */
export const fresh = (): string => join(folder, `${count++}`, 'oci')
