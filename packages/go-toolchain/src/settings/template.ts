import { nearest, OrchError, UsageError } from '@orch/oci'
import type { GitAnswer, GitState } from '../tool/git.ts'

/** What templates can name. */
export interface TemplateValues {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Gets each value of `env` that a template names. */
  readonly taken?: Set<string>
  /** Seconds since 1970: what `{{.Date}}` and `{{.Timestamp}}` say. */
  readonly now: number
  readonly go: { readonly os: string; readonly arch: string; readonly variant: string }
  /** Asked only when a template names `.Git`. */
  readonly git: () => Promise<GitAnswer>
}

const plain: Readonly<Record<string, (values: TemplateValues) => string>> = {
  Date: ({ now }) => rfc3339(now),
  Timestamp: ({ now }) => String(now),
  'Go.Os': ({ go }) => go.os,
  'Go.Arch': ({ go }) => go.arch,
  'Go.Variant': ({ go }) => go.variant,
}

const ofGit: Readonly<Record<string, (state: GitState) => string>> = {
  'Git.Branch': state => state.branch,
  'Git.Tag': state => state.tag,
  'Git.ShortCommit': state => state.shortCommit,
  'Git.FullCommit': state => state.fullCommit,
  'Git.CommitDate': state => rfc3339(Number(state.commitTimestamp)),
  'Git.CommitTimestamp': state => state.commitTimestamp,
  'Git.IsDirty': state => String(state.dirty),
  'Git.IsClean': state => String(!state.dirty),
  'Git.TreeState': state => (state.dirty ? 'dirty' : 'clean'),
}

const known = [...Object.keys(plain), ...Object.keys(ofGit), 'Env.NAME'].map(name => `.${name}`)

/**
 * Replaces every `{{.Name}}` of a text. Throws `TEMPLATE_INVALID` for a name that there is not, an
 * environment variable that is not set, and braces that do not pair; `GIT_MISSING` when a template
 * needs git's state and there is none.
 * @param where names the text in messages, such as `image api: ldflags`
 */
export async function expandTemplate(
  text: string,
  values: TemplateValues,
  where: string,
): Promise<string> {
  let expanded = ''
  let end = 0
  for (const match of text.matchAll(/\{\{(.*?)\}\}/gs)) {
    expanded += literal(text.slice(end, match.index), where)
    expanded += await valueFor((match[1] ?? '').trim(), values, where)
    end = match.index + match[0].length
  }
  return expanded + literal(text.slice(end), where)
}

function literal(text: string, where: string): string {
  if (!text.includes('{{')) return text
  throw new UsageError('TEMPLATE_INVALID', `${where}: {{ is not closed in ${JSON.stringify(text)}`)
}

async function valueFor(path: string, values: TemplateValues, where: string): Promise<string> {
  const name = path.slice(1)
  if (path.startsWith('.Env.')) return variable(path.slice('.Env.'.length), values, where)
  const read = path.startsWith('.') && Object.hasOwn(plain, name) ? plain[name] : undefined
  if (read !== undefined) return read(values)
  const ask = path.startsWith('.') && Object.hasOwn(ofGit, name) ? ofGit[name] : undefined
  if (ask !== undefined) return ask(await gitState(name, values, where))
  const near = nearest(path, known)
  throw new UsageError('TEMPLATE_INVALID', `${where}: {{${path}}} is not known`, {
    hint: `${near === undefined ? '' : `Did you mean {{${near}}}? `}There are ${known.join(', ')}.`,
  })
}

function variable(name: string, { env, taken }: TemplateValues, where: string): string {
  const value = env[name]
  if (value !== undefined) {
    taken?.add(value)
    return value
  }
  throw new UsageError('TEMPLATE_INVALID', `${where}: the environment has no ${name}`, {
    hint: `Set ${name}, or leave {{.Env.${name}}} out.`,
  })
}

async function gitState(name: string, values: TemplateValues, where: string): Promise<GitState> {
  const answer = await values.git()
  const why = answer.state === undefined ? answer.why : 'there is no commit yet'
  const answers = answer.state !== undefined
  if (answers && (answer.state.fullCommit !== '' || !/Commit/.test(name))) return answer.state
  throw new OrchError('GIT_MISSING', `${where}: {{.${name}}} needs git: ${why}`, {
    hint: 'Build within a git work tree, or stamp the version by {{.Env.VERSION}} instead.',
  })
}

function rfc3339(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
}
