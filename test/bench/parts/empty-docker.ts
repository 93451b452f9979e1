import { setTimeout as sleep } from 'node:timers/promises'
import type { Dockerd } from '../../kit/dockerd.ts'
import {
  type DockerdVersion,
  dockerdVersions,
  whyNoDocker,
  whyNoDockerd,
} from '../../kit/dockerd-release.ts'
import { run } from '../../kit/exec.ts'

/** The engines that the arguments name, all without any. Throws when there is no such, or it is not to be had. */
export function enginesOf(args: readonly string[]): readonly DockerdVersion[] {
  const versions = dockerdVersions.filter(one => args.length === 0 || args.includes(one))
  if (versions.length < args.length)
    throw new Error(`which engine? Say one or both of: ${dockerdVersions.join(' ')}`)
  const reason = [...versions.map(whyNoDockerd), whyNoDocker()].find(why => why !== undefined)
  if (reason !== undefined) throw new Error(reason)
  return versions
}

/** Removes all images, and lets the disk come to rest. */
export async function emptyDocker(dockerd: Dockerd): Promise<void> {
  const images = await dockerd.images()
  if (images.length > 0) await dockerd.docker(['rmi', '--force', ...images])
  const left = (await dockerd.get('/images/json?all=1')) as unknown[]
  if (left.length > 0) throw new Error(`${left.length} images are still there after a removal`)
  await run('sync', [])
  await sleep(1000)
}
