import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { helloElf } from './elf.ts'
import { run } from './exec.ts'
import { dockerArchive, type Handmade, ociArchive } from './oci-archive.ts'
import { tempFolder } from './temp.ts'

/** What the program in an image does after it has said hello. */
type Then = 'exit' | 'wait'

/**
 * An OCI archive for linux/amd64 and linux/arm64, of seven blobs. The program in it says
 * `hello from <architecture>`, and then exits or waits.
 */
export async function helloArchive(name: string, then: Then = 'exit'): Promise<string> {
  return await ociArchive(name, await helloImages(then))
}

/** The same that `docker load` takes too. Where an engine keeps one platform per image, arm64 is `<name>-linux-arm64`. */
export async function helloDockerArchive(name: string, then: Then = 'exit'): Promise<string> {
  return await dockerArchive(name, await helloImages(then))
}

async function helloImages(then: Then): Promise<readonly Handmade[]> {
  const images: Handmade[] = []
  for (const architecture of ['amd64', 'arm64'] as const) {
    const folder = await tempFolder('hello')
    const elf = helloElf(architecture, `hello from ${architecture}\n`, then)
    await writeFile(join(folder, 'hello'), elf, { mode: 0o755 })
    const layer = join(folder, 'layer.tar')
    await run('tar', ['-cf', layer, '-C', folder, 'hello'])
    images.push({ architecture, entrypoint: ['/hello'], layers: [layer] })
  }
  return images
}
