import type { BuildContext, Place } from '@orch/core'
import { type Blob, formatPlatform } from '@orch/oci'
import { GoBuildError, GoFailure, type GoPlace } from '../errors.ts'
import type { Settings } from '../settings/settings.ts'
import type { GoEnv } from '../tool/env.ts'
import type { GitAnswer } from '../tool/git.ts'
import type { Program } from './inputs.ts'
import { programName } from './list.ts'

/** What a build needs of orch. */
export type GoContext = Pick<
  BuildContext,
  'signal' | 'store' | 'events' | 'limits' | 'offline' | 'allow' | 'env' | 'action'
>

/** A compiled command. */
export interface GoProgram {
  readonly binary: Blob
  readonly importPath: string
  /** What `go build` would call it, without `.exe`. */
  readonly name: string
}

/** One call for one program. */
export interface Request {
  /** What names the package. */
  readonly name: string
  readonly settings: Settings
  readonly goEnv: GoEnv
  readonly git: () => Promise<GitAnswer>
  readonly place: GoPlace
  readonly context: GoContext
  readonly answer: PromiseWithResolvers<GoProgram>
}

/** Gives each its program, or the error as its own. */
export async function settleAll(
  requests: readonly Request[],
  made: Promise<Blob>,
  { root }: Program,
): Promise<void> {
  try {
    const binary = await made
    const name = programName(root.ImportPath)
    for (const { answer } of requests) answer.resolve({ binary, importPath: root.ImportPath, name })
  } catch (error) {
    for (const request of requests) reject(request, error)
  }
}

/** Refuses one; what the go command said becomes the error of its image and platform. */
export function reject({ answer, place }: Request, error: unknown): void {
  answer.reject(error instanceof GoFailure ? new GoBuildError(place, error) : error)
}

/** Where events of work that is done for all of them belong. */
export function placeOf(requests: readonly Request[]): Place {
  const images = new Set(requests.map(({ place }) => place.image))
  const [image] = images
  const [first] = requests
  return {
    ...(image === undefined || images.size > 1 ? {} : { image }),
    ...(first === undefined ? {} : { platform: formatPlatform(first.place.platform) }),
  }
}
