import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from './exec.ts'
import { tempFolder } from './temp.ts'

/** What an image for one platform, linux on `architecture`, is made of. */
export interface Handmade {
  readonly architecture: string
  readonly entrypoint?: readonly string[]
  /** Uncompressed tar files. They are moved into the archive. */
  readonly layers: readonly string[]
}

/** An OCI archive made by hand, and not by orch: one index with a manifest for each of the images. */
export async function ociArchive(name: string, images: readonly Handmade[]): Promise<string> {
  return await archive(name, images, [])
}

/**
 * The same with Docker's manifest.json, which names images of one platform: the first of them as told,
 * the others with `-linux-<architecture>` behind the tag.
 */
export async function dockerArchive(name: string, images: readonly Handmade[]): Promise<string> {
  const tag = (architecture: string, index: number) =>
    index === 0 ? name : `${name}-linux-${architecture}`
  return await archive(
    name,
    images,
    images.map(({ architecture }, index) => tag(architecture, index)),
  )
}

/** Writes a manifest.json when there are tags for it, one per image. */
async function archive(
  name: string,
  images: readonly Handmade[],
  tags: readonly string[],
): Promise<string> {
  const folder = await tempFolder('archive')
  const layout = join(folder, 'layout')
  const blobs = join(layout, 'blobs', 'sha256')
  await mkdir(blobs, { recursive: true })

  const oci = (kind: string) => `application/vnd.oci.image.${kind}`
  const json = async (kind: string, content: object) => {
    const mediaType = oci(kind)
    const bytes = Buffer.from(JSON.stringify(content))
    const hex = createHash('sha256').update(bytes).digest('hex')
    await writeFile(join(blobs, hex), bytes)
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
  }
  const layer = async (file: string) => {
    const hash = createHash('sha256')
    await pipeline(createReadStream(file), hash)
    const hex: string = hash.digest('hex')
    const { size } = await stat(file)
    await rename(file, join(blobs, hex))
    return { mediaType: oci('layer.v1.tar'), digest: `sha256:${hex}`, size }
  }

  const manifests: object[] = []
  const items: object[] = []
  for (const image of images) {
    const layers = []
    for (const file of image.layers) layers.push(await layer(file))
    const platform = { os: 'linux', architecture: image.architecture }
    const config = await json('config.v1+json', {
      ...platform,
      config: { Entrypoint: image.entrypoint },
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    })
    const mediaType = oci('manifest.v1+json')
    const manifest = { schemaVersion: 2, mediaType, config, layers }
    manifests.push({ ...(await json('manifest.v1+json', manifest)), platform })
    const path = ({ digest }: { digest: string }) => `blobs/${digest.replace(':', '/')}`
    items.push({ Config: path(config), RepoTags: [tags[items.length]], Layers: layers.map(path) })
  }
  const mediaType = oci('index.v1+json')
  const index = await json('index.v1+json', { schemaVersion: 2, mediaType, manifests })
  const annotations = { 'io.containerd.image.name': name }
  const top = { schemaVersion: 2, mediaType, manifests: [{ ...index, annotations }] }
  await writeFile(join(layout, 'index.json'), JSON.stringify(top))
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  if (tags.length > 0) await writeFile(join(layout, 'manifest.json'), JSON.stringify(items))
  const file = join(folder, 'image.tar')
  await run('tar', ['-cf', file, '-C', layout, '.'])
  await rm(layout, { recursive: true })
  return file
}
