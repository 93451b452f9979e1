import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../kit/exec.ts'
import { tempFolder } from '../kit/temp.ts'

interface Descriptor {
  readonly digest: string
}

/** The same archive, but that its index.json lists what the image's own index does, and that is not there. */
export async function flatArchive(archive: string, to: string): Promise<void> {
  const folder = await tempFolder('flat')
  await run('tar', ['-xf', archive, '-C', folder])
  const path = join(folder, 'index.json')
  const top = JSON.parse(await readFile(path, 'utf8')) as { manifests: Descriptor[] }
  const [root] = top.manifests
  if (root === undefined) throw new Error('an archive without an image')
  const blob = join(folder, 'blobs', root.digest.replace(':', '/'))
  const index = JSON.parse(await readFile(blob, 'utf8')) as { manifests: Descriptor[] }
  await writeFile(path, JSON.stringify({ ...top, manifests: index.manifests }))
  await run('rm', [blob])
  await run('tar', ['-cf', to, '-C', folder, '.'])
}
