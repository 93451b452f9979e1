import { randomBytes } from 'node:crypto'
import { glob, mkdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { blobFromBytes, type Descriptor, mediaTypes, nameAnnotations } from '@orch/oci'
import { expect } from 'vitest'
import { type TestImage, testImage } from '../../packages/oci/src/graph/test-image.ts'
import type { Containerd } from '../kit/containerd.ts'
import { type Outcome, orch } from '../kit/exec.ts'
import { tempFolder } from '../kit/temp.ts'

export const MiB: number = 1024 * 1024

/** An image whose first layer holds `size` random bytes, so that bringing it anywhere takes a while. */
export async function largeImage(
  size: number,
  platforms: readonly string[] = ['linux/amd64'],
): Promise<TestImage> {
  const content = blobFromBytes(randomBytes(size), mediaTypes.octets)
  return testImage(platforms, [{ type: 'file', path: 'large', content }], 'none')
}

/** What the index of the image names for its last platform. */
export function partsOf({ blobs, manifests }: TestImage): {
  readonly layer: Descriptor
  readonly config: Descriptor
  readonly manifest: Descriptor
} {
  const manifest = manifests.at(-1)
  const all = [...blobs.values()].map(({ descriptor }) => descriptor)
  // The image was made in this order.
  const at = all.findIndex(({ digest }) => digest === manifest?.digest)
  const [layer, config] = all.slice(at - 2)
  if (layer === undefined || config === undefined || manifest === undefined)
    throw new Error('the test image is made otherwise')
  return { layer, config, manifest }
}

/** The image as a layout on disk under these names, and the path of it. */
export async function layoutOf(
  { root, blobs }: TestImage,
  ...names: readonly string[]
): Promise<string> {
  const layout = join(await tempFolder('layout'), 'oci')
  for (const { descriptor, open } of blobs.values()) {
    const path = blobPath(layout, descriptor.digest)
    await mkdir(dirname(path), { recursive: true })
    await pipeline(open(), async bytes => writeFile(path, bytes))
  }
  const named = names.map(name => ({ ...root, annotations: { [nameAnnotations.ref]: name } }))
  const index = { schemaVersion: 2, manifests: named.length === 0 ? [root] : named }
  await writeFile(join(layout, 'index.json'), JSON.stringify(index))
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  return layout
}

export function blobPath(layout: string, digest: string): string {
  return join(layout, 'blobs', ...digest.split(':'))
}

/** All that a load could leave behind, or destroy. */
export async function heldBy(daemon: Containerd): Promise<Record<string, readonly string[]>> {
  const records = async (): Promise<readonly string[]> =>
    (await daemon.ctr(['images', 'ls'])).stdout.split('\n')
  const lists = { ...daemon, records }
  const kinds = ['records', 'contents', 'snapshots', 'leases', 'ingests'] as const
  const held = kinds.map(async kind => [kind, (await lists[kind]()).toSorted()] as const)
  return Object.fromEntries(await Promise.all(held))
}

/** What every failure must be: the exit code, one error that says what and where, a hint, no result. */
export function expectError(
  { exitCode, stdout, stderr }: Outcome,
  expected: { exitCode: number; code: string; says: readonly string[] },
): void {
  expect(stderr.match(/^error\[.*?\]/gm), stderr).toEqual([`error[${expected.code}]`])
  const [line = ''] = stderr.match(/^error\[.*/m) ?? []
  for (const text of expected.says) expect(line).toContain(text)
  expect(stderr).toMatch(/^hint: ./m)
  expect(exitCode, stderr).toBe(expected.exitCode)
  expect(stdout).toBe('')
}

/** The image is there under the name, whole, and nothing half-done is beside it. */
export async function expectLoaded(
  daemon: Containerd,
  name: string,
  { root }: TestImage,
): Promise<void> {
  const source = `containerd:${name},address=${daemon.address},namespace=${daemon.namespace}`
  const valid = await orch(['validate', '--json', source])
  expect(valid.exitCode, valid.stderr + valid.stdout).toBe(0)
  expect((await daemon.ctr(['images', 'ls', `name==${name}`])).stdout).toContain(root.digest)
  expect(await heldBy(daemon)).toMatchObject({ leases: [], ingests: [] })
}

/** Waits until an upload has put so many bytes into the daemon whose data is in `root`. */
export async function untilUploaded(root: string, bytes: number): Promise<void> {
  await untilLarge(join(root, 'io.containerd.content.v1.content/ingest/*/data'), bytes)
}

/** Waits until so many bytes of the file at the top of a layer have been unpacked. */
export async function untilUnpacking(root: string, file: string, bytes: number): Promise<void> {
  const snapshots = 'io.containerd.snapshotter.v1.*/snapshots/*'
  await untilLarge(join(root, snapshots, `{${file},fs/${file}}`), bytes)
}

/** Waits until one of the files has at least so many bytes. */
export async function untilLarge(pattern: string, bytes: number): Promise<void> {
  for (const until = Date.now() + 60_000; Date.now() < until; await sleep(2))
    for await (const path of glob(pattern)) {
      // What is moved to its place meanwhile is not of interest any more.
      const found = await stat(path).catch(() => undefined)
      if (found !== undefined && found.size >= bytes) return
    }
  throw new Error(`nothing reached ${bytes} bytes: ${pattern}`)
}
