import { distance } from 'fastest-levenshtein'

/** The known words, the one most like `word` first. */
export function nearestFirst(word: string, known: Iterable<string>): string[] {
  const wanted = word.toLowerCase()
  return [...known]
    .map(item => ({ item, far: distance(wanted, item.toLowerCase()) }))
    .sort((a, b) => a.far - b.far)
    .map(({ item }) => item)
}

/**
 * The known word that was probably meant, or undefined when none is near.
 * @param atMost the edits that lie between them, where a guess must be better than usual
 */
export function nearest(
  word: string,
  known: Iterable<string>,
  atMost: number = Number.POSITIVE_INFINITY,
): string | undefined {
  const [best] = nearestFirst(word, known)
  if (best === undefined) return undefined
  const far = distance(word.toLowerCase(), best.toLowerCase())
  const limit = Math.max(1, Math.floor(Math.max(word.length, best.length) / 2))
  return far <= Math.min(limit, atMost) ? best : undefined
}

/** `Did you mean "build"?`, or undefined when no known word is near; `atMost` as for `nearest`. */
export function didYouMean(
  word: string,
  known: Iterable<string>,
  atMost?: number,
): string | undefined {
  const best = nearest(word, known, atMost)
  return best === undefined ? undefined : `Did you mean ${JSON.stringify(best)}?`
}
