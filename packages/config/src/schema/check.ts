import type { OptionsSchema } from '@orch/core'
import { messageOf } from '@orch/oci'
import type { Path, Problem } from '../problem.ts'
import type { JsonSchema } from './expected.ts'
import { problemsOf } from './issues.ts'

/** A value as its schema left it, or what is wrong with it. */
export type Checked<Output = unknown> =
  | { readonly ok: true; readonly value: Output }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/**
 * Checks a value by any Standard Schema.
 * @param base where the value stands in the project file
 */
export async function check<Output>(
  schema: OptionsSchema<Output>,
  value: unknown,
  base: Path,
): Promise<Checked<Output>> {
  const standard = schema['~standard']
  let result: Awaited<ReturnType<typeof standard.validate>>
  try {
    result = await standard.validate(value)
  } catch (cause) {
    const message = `the plugin's schema failed: ${messageOf(cause)}`
    return {
      ok: false,
      problems: [{ path: base, on: 'value', message, code: 'PLUGIN_INVALID', cause }],
    }
  }
  if (result.issues === undefined) return { ok: true, value: result.value }
  const checked = { value, schema: jsonSchemaOf(schema), zod: standard.vendor === 'zod', base }
  return { ok: false, problems: problemsOf(result.issues, checked) }
}

/**
 * A schema as JSON Schema; `{}`, which takes anything, for one that cannot be written so: its own
 * check still holds, only editors know less.
 */
export function jsonSchemaOf(schema: OptionsSchema): JsonSchema {
  try {
    return schema['~standard'].jsonSchema?.input({ target: 'draft-2020-12' }) ?? {}
  } catch {
    return {}
  }
}
