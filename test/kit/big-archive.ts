import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from './exec.ts'
import { dockerArchive, type Handmade, ociArchive } from './oci-archive.ts'
import { tempFolder } from './temp.ts'

/**
 * An OCI archive that nothing makes smaller: for linux/amd64 and linux/arm64, each of `layers` layers
 * with `bytes` random bytes.
 */
export async function bigArchive(name: string, layers: number, bytes: number): Promise<string> {
  return await ociArchive(name, await bigImages(['amd64', 'arm64'], layers, bytes))
}

/** The same for `docker load`, with a manifest.json. */
export async function bigDockerArchive(
  name: string,
  architectures: readonly string[],
  layers: number,
  bytes: number,
): Promise<string> {
  return await dockerArchive(name, await bigImages(architectures, layers, bytes))
}

async function bigImages(
  architectures: readonly string[],
  layers: number,
  bytes: number,
): Promise<readonly Handmade[]> {
  const folder = await tempFolder('big')
  const images: Handmade[] = []
  for (const architecture of architectures) {
    const files: string[] = []
    for (let number = 0; number < layers; number++) {
      const data = `data${number}`
      await pipeline(random(bytes), createWriteStream(join(folder, data)))
      const file = join(folder, `${architecture}${number}.tar`)
      await run('tar', ['-cf', file, '-C', folder, data])
      await rm(join(folder, data))
      files.push(file)
    }
    images.push({ architecture, layers: files })
  }
  return images
}

function* random(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= 1_000_000) yield randomBytes(Math.min(left, 1_000_000))
}
