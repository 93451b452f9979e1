import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from '../../kit/exec.ts'
import { type Handmade, ociArchive } from '../../kit/oci-archive.ts'
import { tempFolder } from '../../kit/temp.ts'

/**
 * An OCI archive that nothing makes smaller: for linux/amd64 and linux/arm64, each of `layers` layers
 * with `bytes` random bytes.
 */
export async function bigArchive(name: string, layers: number, bytes: number): Promise<string> {
  const folder = await tempFolder('big')
  const images: Handmade[] = []
  for (const architecture of ['amd64', 'arm64']) {
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
  return await ociArchive(name, images)
}

function* random(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= 1_000_000) yield randomBytes(Math.min(left, 1_000_000))
}
