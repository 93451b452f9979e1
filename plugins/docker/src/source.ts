import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { BuildContext } from '@orch/core'
import {
  diskError,
  formatPlatform,
  type ImageSource,
  OrchError,
  onlyPlatforms,
  openArchive,
  pickImage,
  platformManifests,
} from '@orch/oci'
import type { Engine, EngineImage } from './engine/types.ts'

/**
 * Opens an image of an engine: what `docker save` gives, kept in a file of the store while it is read. An
 * engine with containerd's image store gives the index of the platforms that it has whole, one with a graph
 * driver an image of one platform, its layers uncompressed. Throws `IMAGE_NOT_FOUND`, and what the engine
 * and `openArchive` throw.
 */
export async function openImage(
  engine: Engine,
  name: string,
  { signal, store, events }: Pick<BuildContext, 'signal' | 'store' | 'events'>,
): Promise<ImageSource> {
  const found = await engine.inspect(name, signal)
  if (found === undefined) {
    throw new OrchError('IMAGE_NOT_FOUND', `${engine.where} has no image ${name}`, {
      hint: 'docker images lists what there is; orch pulls nothing into an engine.',
    })
  }
  const folder = await store.scratch('docker')
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  const path = join(folder, 'image.tar')
  try {
    const saved = await engine.save([name], signal)
    const file = createWriteStream(path, { flags: 'wx', highWaterMark: 1024 * 1024 })
    await pipeline(saved, file, { signal }).catch(error => {
      throw diskError(error, path)
    })
    const archive = await openArchive(path, { signal, scratch: () => store.scratch('docker') })
    const medium = { ...archive, path: `${engine.where}: ${name}` }
    const picked = await presentPart(pickImage(medium, undefined), found, name, { signal, events })
    const close = (): Promise<void> => archive.close().finally(remove)
    return { ...picked, close }
  } catch (error) {
    await remove()
    throw error
  }
}

/** An engine has of what it pulled one platform most often: the others are left out, and that is told. */
async function presentPart(
  image: ImageSource,
  { manifests }: EngineImage,
  name: string,
  { signal, events }: Pick<BuildContext, 'signal' | 'events'>,
): Promise<ImageSource> {
  const there = new Set(manifests.filter(item => item.available).map(item => item.digest))
  const all = await platformManifests(image, signal)
  const present = all.filter(({ descriptor }) => there.has(descriptor.digest))
  // Older APIs do not tell; what is missing is found later then.
  if (present.length === 0 || present.length === all.length) return image
  const missing = all.filter(item => !present.includes(item))
  const list = missing.map(({ platform }) => formatPlatform(platform)).join(', ')
  const message = `docker-daemon:${name}: without ${list}, which the engine does not have`
  events.emit({ type: 'log', level: 'warning', message })
  const platforms = present.map(({ platform }) => platform)
  return onlyPlatforms(image, platforms, { what: `docker-daemon:${name}`, signal })
}
