import type { Platform } from '@orch/oci'
import { Batches } from './build/batches.ts'
import { answerTogether } from './build/cohort.ts'
import { fetchModules } from './build/fetch.ts'
import { FileDigests } from './build/file-digests.ts'
import { cleanName } from './build/named.ts'
import type { GoContext, GoProgram, Request } from './build/request.ts'
import type { GoPlace } from './errors.ts'
import { type GoBuild, settle } from './settings/settings.ts'
import { type GoEnv, readGoEnv, readGoPlatforms } from './tool/env.ts'
import { type GitAnswer, readGit } from './tool/git.ts'
import { checkPlatform } from './tool/variant.ts'

/** The go command during one build of orch: what it says of itself and of git is asked once. */
export interface GoToolchain {
  /**
   * Refuses, with `PLATFORM_UNSUPPORTED`, platforms that Go does not build for.
   * @param dir the module's folder, absolute: it may ask for a Go version of its own
   */
  checkPlatforms(
    platforms: readonly Platform[],
    dir: string,
    image: string,
    context: GoContext,
  ): Promise<void>
  /**
   * Builds one command for one platform. Calls made at the same time with the same settings share one
   * `go list` and one `go build`; with nothing changed since an earlier build none runs the compiler.
   * Throws what `settle`, `readGoEnv` and `namedCommand` throw, and `GoBuildError`.
   */
  build(build: GoBuild, place: GoPlace, context: GoContext): Promise<GoProgram>
  /**
   * Brings the modules that one command needs for one platform into the go command's module cache, so
   * that it can be built offline. Throws what `settle`, `readGoEnv` and `namedCommand` throw, and
   * `GoBuildError`.
   */
  fetch(build: GoBuild, place: GoPlace, context: GoContext): Promise<void>
}

export function createToolchain(): GoToolchain {
  const envs = new Map<string, Promise<GoEnv>>()
  const platformLists = new Map<string, Promise<readonly string[]>>()
  const gits = new Map<string, Promise<GitAnswer>>()
  const files = new FileDigests()
  const making = new Map<string, Promise<GoProgram['binary']>>()
  const began = Math.floor(Date.now() / 1000)

  const batches = new Batches<Request>(requests => {
    void answerTogether(requests, { files, making })
  })

  const settled = async (build: GoBuild, place: GoPlace, context: GoContext) => {
    const { dir } = build
    const git = () => once(gits, dir, () => readGit(dir, context))
    const goEnv = await once(envs, dir, () => readGoEnv(dir, context))
    const { allow, env, offline } = context
    const now = epoch(env['SOURCE_DATE_EPOCH']) ?? began
    const settings = await settle(build, { allow, env, offline, now, git }, `image ${place.image}`)
    return { settings, goEnv, git }
  }

  return {
    async checkPlatforms(platforms, dir, image, context) {
      await once(envs, dir, () => readGoEnv(dir, context))
      const known = await once(platformLists, dir, () => readGoPlatforms(dir, context))
      for (const platform of platforms) checkPlatform(platform, known, image)
    },
    async build(build, place, context) {
      const { settings, goEnv, git } = await settled(build, place, context)
      const answer = Promise.withResolvers<GoProgram>()
      batches.add(settings.key, {
        name: cleanName(build.package),
        settings,
        goEnv,
        git,
        place,
        context,
        answer,
      })
      return answer.promise
    },
    async fetch(build, place, context) {
      const { settings } = await settled(build, place, context)
      await fetchModules(cleanName(build.package), settings, place, context)
    },
  }
}

function once<T>(known: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const asked = known.get(key) ?? ask()
  known.set(key, asked)
  return asked
}

function epoch(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}
