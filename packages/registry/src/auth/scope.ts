/** What a token must allow (distribution, spec/auth/scope.md): `repository:team/x:pull,push`. */
export interface Scope {
  readonly repository: string
  readonly actions: readonly ('pull' | 'push' | 'delete')[]
}

/** `repository:team/x:pull,push`, each once, in the order given. */
export function scopeTexts(scopes: readonly Scope[]): readonly string[] {
  return [
    ...new Set(
      scopes.map(({ repository, actions }) => `repository:${repository}:${actions.join(',')}`),
    ),
  ]
}

/** Longer scopes of a challenge are left out: they would make the address of a token too long. */
const longest = 2048

/**
 * The scopes that a challenge asks for beyond ours, such as `registry:catalog:*`. Anything that is
 * covered by ours is left out.
 */
export function scopesBeyond(
  challenged: string | undefined,
  ours: readonly string[],
): readonly string[] {
  if (challenged === undefined || challenged.length > longest) return []
  const have = ours.map(split)
  return challenged.split(/\s+/).filter(text => {
    if (text === '') return false
    const wanted = split(text)
    return !have.some(
      one =>
        one.name === wanted.name && [...wanted.actions].every(action => one.actions.has(action)),
    )
  })
}

function split(scope: string): { name: string; actions: ReadonlySet<string> } {
  const colon = scope.lastIndexOf(':')
  return { name: scope.slice(0, colon), actions: new Set(scope.slice(colon + 1).split(',')) }
}
