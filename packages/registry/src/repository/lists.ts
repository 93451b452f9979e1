import { isObject, OrchError, parseJson, shown } from '@orch/oci'
import { drop } from '../transport/bodies.ts'
import { brokenAnswer, refusal } from './answer.ts'
import { type Context, pullScope, type RegistryContext } from './context.ts'
import { type Listing, type Page, pages } from './pages.ts'

const pageSize = 1000
const maxPageBytes = 16 * 1024 * 1024

/** All tags of a repository. Throws `REGISTRY_NOT_FOUND`. */
export async function* tags(
  context: Context,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, void, undefined> {
  const name = `${context.domain}/${context.path}`
  const what = `tags of ${name}`
  const list = {
    target: `/v2/${context.path}/tags/list`,
    scopes: [pullScope(context.path)],
    what,
    maxBytes: maxPageBytes,
  }
  for await (const page of sizedPages(context, list, signal)) {
    if (page.response.status === 404) {
      drop(page.response)
      throw new OrchError('REGISTRY_NOT_FOUND', `there is no repository ${name}`, {
        hint: 'Check its name; some registries also say so to those who are not logged in.',
      })
    }
    yield* namesOf(page, 'tags', what)
  }
}

/** All repositories of a registry. Throws `REGISTRY_UNSUPPORTED` where it does not tell them. */
export async function* catalog(
  context: RegistryContext,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, void, undefined> {
  const what = `repositories of ${context.domain}`
  // The registry's challenge names the scope, registry:catalog:*.
  const list = { target: '/v2/_catalog', scopes: [], what, maxBytes: maxPageBytes }
  for await (const page of sizedPages(context, list, signal)) {
    if (page.response.status === 404 || page.response.status === 405) {
      drop(page.response)
      throw new OrchError(
        'REGISTRY_UNSUPPORTED',
        `${context.domain} does not list its repositories`,
      )
    }
    yield* namesOf(page, 'repositories', what)
  }
}

/** Asks for large pages, and for the registry's own size where it takes no other. */
async function* sizedPages(
  context: RegistryContext,
  list: Listing,
  signal: AbortSignal | undefined,
): AsyncGenerator<Page, void, undefined> {
  let isFirst = true
  const sized = { ...list, target: `${list.target}?n=${pageSize}` }
  for await (const page of pages(context, sized, signal)) {
    if (isFirst && page.response.status === 400) {
      drop(page.response)
      yield* pages(context, list, signal)
      return
    }
    isFirst = false
    yield page
  }
}

async function* namesOf(
  { response, bytes }: Page,
  key: string,
  what: string,
): AsyncGenerator<string, void, undefined> {
  if (response.status !== 200) throw await refusal(what, response)
  const document = parseJson(bytes, what, maxPageBytes)
  const names = isObject(document) ? (document[key] ?? []) : undefined
  if (!Array.isArray(names)) throw brokenAnswer(what, `the answer has no list of ${key}`)
  for (const name of names) {
    // A terminal would act on control characters.
    if (typeof name !== 'string' || !/^[\w./:-]+$/.test(name))
      throw brokenAnswer(what, `${shown(name)} is no name`)
    yield name
  }
}
