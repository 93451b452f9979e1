import { expect } from 'vitest'
import type { Outcome } from '../kit/exec.ts'

/** What became of one image, as `--json` says it. */
export interface Exported {
  readonly image: string
  readonly digest: string
  readonly location: string
  readonly names: readonly string[]
  readonly details: {
    readonly store: string
    readonly platforms: readonly string[]
    readonly images: readonly { readonly id: string; readonly names: readonly string[] }[]
    readonly sent: { readonly blobs: number; readonly bytes: number }
  }
}

/** The exports of all images of a run that went well. */
export function exportsOf(outcome: Outcome): readonly Exported[] {
  expect(outcome.exitCode, outcome.stderr).toBe(0)
  return exportsIn(outcome)
}

/** The exports that went well of a run that may have failed. */
export function exportsIn({ stdout }: Outcome): readonly Exported[] {
  const { images } = JSON.parse(stdout) as { images: { name: string; exports: Exported[] }[] }
  return images.flatMap(({ name, exports }) => exports.map(one => ({ ...one, image: name })))
}
