import { basic, type TokenServer } from '../token-server.ts'
import type { Exchange } from './exchange.ts'
import type { Quirks } from './quirks.ts'

/** Who may use a scripted registry: everyone, the kit's account by Basic, or who has a token of the server. */
export type Door = 'open' | 'basic' | TokenServer

/** Decides who may do what, and counts the uses of tokens. */
export class Access {
  readonly #door: Door
  readonly #quirks: Quirks
  readonly #uses: Map<string, number> = new Map()

  constructor(door: Door, quirks: Quirks) {
    this.#door = door
    this.#quirks = quirks
  }

  /**
   * Whether the request may do this; it is answered 401 otherwise. No repository at all needs a login alone, and
   * `*` on `catalog` is the right to list repositories.
   */
  admits(exchange: Exchange, repository: string, action: string): boolean {
    const authorization = exchange.request.headers.authorization ?? ''
    const token = authorization.replace(/^bearer /i, '')
    const uses = (this.#uses.get(token) ?? 0) + 1
    this.#uses.set(token, uses)
    const isWorn = this.#door !== 'basic' && uses > (this.#quirks.tokenUses ?? uses)
    if (!isWorn && this.may(exchange, repository, action)) return true
    const own = this.#challenge(repository, action)
    const challenge = this.#quirks.challenge ?? own
    exchange.refuse(401, 'UNAUTHORIZED', undefined, { 'www-authenticate': challenge })
    return false
  }

  /** Whether what the request shows allows this too. */
  may(exchange: Exchange, repository: string, action: string): boolean {
    const authorization = exchange.request.headers.authorization ?? ''
    if (this.#door === 'open') return this.#quirks.challenge === undefined || authorization !== ''
    if (this.#door === 'basic') return authorization === basic
    const token = authorization.replace(/^bearer /i, '')
    return this.#door.allows(token, repository, action)
  }

  #challenge(repository: string, action: string): string {
    if (this.#door === 'open' || this.#door === 'basic') return 'Basic realm="kit"'
    const { realm, service } = this.#door
    const type = action === '*' ? 'registry' : 'repository'
    const scope = repository === '' ? '' : `,scope="${type}:${repository}:${action}"`
    return `Bearer realm="${realm}",service="${service}"${scope}`
  }
}
