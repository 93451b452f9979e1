import { formatPlatform, OrchError, type Platform } from '@orch/oci'

/** The image and platform that a call works for. */
export interface GoPlace {
  readonly image: string
  readonly platform: Platform
}

/** `image api (linux/arm64)`: how messages name the place. */
function placeText({ image, platform }: GoPlace): string {
  return `image ${image} (${formatPlatform(platform)})`
}

/** What the go command said when it refused: thrown inside a batch, before it is known for whom. */
export class GoFailure extends Error {
  readonly code: string
  readonly what: string
  readonly output: string

  /** @param what the step, such as `go build` */
  constructor(code: string, what: string, output: string) {
    super(`${what} failed\n${output}`)
    this.code = code
    this.what = what
    this.output = output
  }
}

/**
 * The go command failed for a target: `GO_BUILD_FAILED`, or `GO_LIST_FAILED` when the packages could
 * not be read. The message ends with the command's whole output.
 */
export class GoBuildError extends OrchError {
  /** The command's own output, verbatim: the same for every target that failed in the same way. */
  readonly detail: string

  constructor(place: GoPlace, failure: GoFailure) {
    const detail = failure.output.trimEnd()
    super(failure.code, `${placeText(place)}: ${failure.what} failed\n${detail}`, {
      hint: /no space left on device/.test(detail)
        ? 'Free space on the disk that holds the cache, the Go cache or the temporary folder.'
        : 'Correct what the output of the go command names.',
      cause: failure,
    })
    this.detail = detail
  }
}
