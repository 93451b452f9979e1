import { failuresOf } from './failure.ts'
import { type Problem, problemOf } from './problem.ts'

/**
 * What went wrong, each problem once: errors that say the same (a compiler's output on four
 * platforms) become one problem with all its places. Interruptions are left out where something else
 * went wrong, for they follow from it.
 */
export function dedupeErrors(errors: readonly unknown[]): Problem[] {
  const problems = new Map<string, Problem>()
  for (const problem of errors.flatMap(error => failuresOf(error)).map(problemOf)) {
    const { code, message, hint, detail, causes } = problem
    const key = JSON.stringify([code, message, hint, detail?.trim(), causes])
    const same = problems.get(key)
    const places = [...(same?.places ?? []), ...problem.places]
    problems.set(key, { ...(same ?? problem), places })
  }
  const all = [...problems.values()]
  const others = all.filter(problem => problem.code !== 'INTERRUPTED')
  return others.length === 0 ? all : others
}
