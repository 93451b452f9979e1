import type { Transport } from '../transport/types.ts'
import type { Registries, RegistryOptions, Repository } from '../types.ts'
import { anySignal, type Context, type RegistryContext, repositoryPath } from './context.ts'
import { document, resolve } from './documents.ts'
import { Holdings } from './holdings.ts'
import { catalog, tags } from './lists.ts'
import { has } from './presence.ts'
import { push } from './push.ts'
import { putDocument } from './put.ts'
import { referrers } from './referrers.ts'
import { remoteBlob } from './remote-blob.ts'
import { remove } from './remove.ts'
import { announce } from './subject.ts'

/** Registries over a transport, which is closed with them. */
export function registriesOver(
  transport: Transport,
  { hosts = {}, signal }: Pick<RegistryOptions, 'hosts' | 'signal'> = {},
): Registries {
  const contexts = new Map<string, RegistryContext>()
  const contextOf = (domain: string): RegistryContext => {
    const known = contexts.get(domain)
    if (known !== undefined) return known
    const chunkBytes = Object.hasOwn(hosts, domain) ? hosts[domain]?.chunkBytes : undefined
    const context = { transport, domain, chunkBytes, holdings: new Holdings(), signal }
    contexts.set(domain, context)
    return context
  }
  return {
    repository: (domain, path) =>
      repositoryOf({ ...contextOf(domain), path: repositoryPath(domain, path) }),
    catalog: (domain, own) => catalog(contextOf(domain), anySignal(own, signal)),
    close: () => transport.close(),
  }
}

function repositoryOf(context: Context): Repository {
  const both = (signal: AbortSignal | undefined): AbortSignal | undefined =>
    anySignal(signal, context.signal)
  return {
    name: `${context.domain}/${context.path}`,
    resolve: (reference, options = {}) =>
      resolve(context, reference, { ...options, signal: both(options.signal) }),
    document: (reference, signal) => document(context, reference, { signal: both(signal) }),
    blob: descriptor => remoteBlob(context, descriptor),
    has: (digest, signal) => has(context, digest, both(signal)),
    push: (blob, options = {}) => push(context, blob, { ...options, signal: both(options.signal) }),
    async put(content, names, signal) {
      const ends = both(signal)
      const { digest, response } = await putDocument(context, content, names, ends)
      await announce(context, content, digest, response, ends)
      return digest
    },
    tags: signal => tags(context, both(signal)),
    referrers: (digest, options = {}) =>
      referrers(context, digest, { ...options, signal: both(options.signal) }),
    remove: (reference, signal) => remove(context, reference, both(signal)),
  }
}
