import type { ImagePlan, OptionsSchema } from '@orch/core'
import { didYouMean } from '@orch/oci'
import type { Path, Problem } from '../problem.ts'
import { type Checked, check } from './check.ts'

/** Finds the builder that a `build` names and checks the whole by the builder's schema. */
export async function checkBuild(
  build: Readonly<Record<string, unknown>>,
  builders: ReadonlyMap<string, OptionsSchema>,
  path: Path,
): Promise<Checked<ImagePlan['build']>> {
  const keys = Object.keys(build)
  const [builder, other] = keys.filter(key => builders.has(key))
  const schema = builder === undefined ? undefined : builders.get(builder)
  const known = [...builders.keys()]
  const wrong = (message: string, more: Partial<Problem> = {}): Checked<never> => ({
    ok: false,
    problems: [{ path, on: 'key', message, ...more }],
  })
  if (builder === undefined || schema === undefined) {
    const expected = `expected exactly one of ${known.join(', ')}`
    const [key] = keys
    if (keys.length !== 1 || key === undefined) {
      const hint = keys.map(item => didYouMean(item, known)).find(item => item !== undefined)
      return wrong(`names no builder; ${expected}`, { hint })
    }
    const hint =
      didYouMean(key, known) ?? 'Builders come with plugins: is one missing under plugins?'
    return wrong(`no builder has this name; ${expected}`, { path: [...path, key], hint })
  }
  if (other !== undefined) {
    return wrong(`names two builders; expected exactly one of ${builder}, ${other}`, {
      path: [...path, other],
    })
  }
  const checked = await check(schema, build, path)
  return checked.ok ? { ok: true, value: { builder, options: checked.value } } : checked
}
