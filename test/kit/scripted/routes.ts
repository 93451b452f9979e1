import type { Access } from './access.ts'
import { serveBlob, serveManifest, serveStorage } from './content.ts'
import type { Exchange } from './exchange.ts'
import { serveCatalog, serveReferrers, serveTags } from './lists.ts'
import type { Memory } from './memory.ts'
import type { Quirks } from './quirks.ts'
import { beginUpload, goOnUpload } from './uploads.ts'

/** What serves every route of a scripted registry. */
export interface Context {
  readonly memory: Memory
  readonly quirks: Quirks
  readonly access: Access
}

const ofRepository = /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|tags|referrers)\/([^/]*)$/

/** Answers a request by its path, if the client may do that. */
export async function route(context: Context, exchange: Exchange): Promise<void> {
  const { memory, quirks, access } = context
  const { path } = exchange
  const [, name = '', kind = '', rest = ''] = ofRepository.exec(path) ?? []
  const storage = '/storage/'
  if (path.startsWith(storage)) serveStorage(memory, quirks, exchange, path.slice(storage.length))
  else if (path === '/v2/') {
    if (access.admits(exchange, '', '')) exchange.answer(200)
  } else if (path === '/v2/_catalog') {
    if (access.admits(exchange, 'catalog', '*')) serveCatalog(memory, quirks, exchange)
  } else if (name === '') exchange.refuse(404, 'NOT_FOUND')
  else if (!access.admits(exchange, name, actionOf(exchange.entry.method, kind))) return
  else if (kind === 'blobs') serveBlob(memory, quirks, exchange, name, rest)
  else if (kind === 'manifests') await serveManifest(memory, quirks, exchange, name, rest)
  else if (kind === 'tags') serveTags(memory, quirks, exchange, name)
  else if (kind === 'referrers') serveReferrers(memory, quirks, exchange, name, rest)
  else if (rest === '') await beginUpload(context, exchange, name)
  else await goOnUpload(context, exchange, name, rest)
}

/** What a token must allow. */
function actionOf(method: string, kind: string): string {
  if (kind === 'blobs/uploads') return 'push'
  if (method === 'DELETE') return 'delete'
  return method === 'GET' || method === 'HEAD' ? 'pull' : 'push'
}
