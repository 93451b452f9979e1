import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Outcome, orch, run } from '../kit/exec.ts'
import type { Registry } from '../kit/registry.ts'
import { tempFolder } from '../kit/temp.ts'
import { toolProgram } from '../kit/tools.ts'

export interface Count {
  readonly blobs: number
  readonly bytes: number
}

export interface Exported {
  readonly location: string
  readonly names: readonly string[]
  readonly digest: string
  readonly details: {
    readonly platforms: readonly string[]
    readonly tags: readonly string[]
    readonly referrers?: number
    readonly sent: Count
    readonly mounted: Count
    readonly reused: Count
  }
}

export function exportsOf(outcome: Outcome): readonly Exported[] {
  expect(outcome.exitCode, outcome.stderr).toBe(0)
  const { images } = JSON.parse(outcome.stdout) as { images: { exports: Exported[] }[] }
  return images.flatMap(image => image.exports)
}

/** `orch copy` of one image to one place. */
export async function copied(...args: readonly string[]): Promise<Exported> {
  const [exported] = exportsOf(await orch(['copy', '--json', '--progress', 'quiet', ...args]))
  if (exported === undefined) throw new Error('nothing was exported')
  return exported
}

/** What orch says on standard output. */
export async function said(...args: readonly string[]): Promise<string> {
  const outcome = await orch(args)
  expect(outcome.exitCode, outcome.stderr).toBe(0)
  return outcome.stdout.trim()
}

/** What orch says when it refuses. */
export async function refused(exitCode: number, ...args: readonly string[]): Promise<string> {
  const outcome = await orch(args)
  expect(outcome, outcome.stderr).toMatchObject({ exitCode, stdout: '' })
  return outcome.stderr
}

/** Has crane, skopeo and regctl look at a reference: crane at every byte. The digest that skopeo finds. */
export async function looked({ env }: Registry, reference: string): Promise<string> {
  await run(toolProgram('crane'), ['validate', '--remote', reference], { env })
  await run(toolProgram('regctl'), ['manifest', 'get', reference], { env })
  const raw = ['inspect', '--raw', '--tls-verify=false', `docker://${reference}`]
  const file = join(await tempFolder('raw'), 'index.json')
  await writeFile(file, await run('skopeo', raw, { env }))
  return (await run('skopeo', ['manifest-digest', file])).trim()
}
