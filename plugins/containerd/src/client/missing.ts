import { hasStatus } from './errors.ts'

/** The answer, or nothing where the daemon says NOT_FOUND. */
export async function unlessMissing<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer
  } catch (error) {
    if (hasStatus(error, 'NOT_FOUND')) return undefined
    throw error
  }
}
