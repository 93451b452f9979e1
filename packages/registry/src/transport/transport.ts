import { Readable } from 'node:stream'
import { isObject, type Json, OrchError, parseJsonObject } from '@orch/oci'
import manifest from '../../package.json' with { type: 'json' }
import { type Asking, createAuthorizer } from '../auth/authorizer.ts'
import { createKeychain } from '../auth/keychain.ts'
import { createSecrets, type Secrets, withoutSecrets } from '../auth/secrets.ts'
import { createTokens } from '../auth/token.ts'
import { createHosts } from '../hosts/hosts.ts'
import type { RegistryOptions } from '../types.ts'
import { abortable } from './abortable.ts'
import { attempt } from './attempt.ts'
import { readSmall } from './bodies.ts'
import { failureOf } from './failures.ts'
import { ExchangeFault, type Followed, follow } from './follow.ts'
import { readMirror, toMirror } from './mirrors.ts'
import { retried } from './retry.ts'
import { createTokenSender } from './token-sender.ts'
import type { RegistryRequest, RegistryResponse, Transport } from './types.ts'
import { createWarnings } from './warnings.ts'

const repeatable = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])
/** A mirror is a shortcut: it is not waited for as the registry is. */
const mirrorAttempts = 2
const maxErrorBytes = 1024 * 1024

/** The transport of one run: its connections, tokens and limits are shared by all that it sends. */
export function createTransport(options: RegistryOptions): Transport {
  const secrets = createSecrets()
  const hosts = createHosts(options)
  const keychain = createKeychain({ env: options.env, secrets, signal: options.signal })
  const warnings = createWarnings(options.onWarning, secrets)
  const answered = new Set<string>()
  const absent = new Set<string>()
  const waited = new Set<string>()
  const userAgent = [`orch/${manifest.version}`, options.userAgent?.replace(/[^\x20-\x7e]/g, '')]
    .filter(part => part)
    .join(' ')

  const onWait = (domain: string) => (milliseconds: number) => {
    const seconds = Math.ceil(milliseconds / 1000)
    if (!waited.has(domain))
      warnings.say(domain, `asks to wait ${seconds} s before the next request`)
    waited.add(domain)
  }

  const sendForToken = createTokenSender(userAgent, options.signal, async sending => {
    const { host } = sending.address.url
    const response = await retried(() => follow(sending, hosts, secrets), {
      isRepeatable: true,
      wasThere: () => answered.has(host),
      onWait: onWait(host),
      signal: options.signal,
    })
    answered.add(host)
    return response
  })
  const authorizer = createAuthorizer(keychain, createTokens(sendForToken, secrets), secrets)
  const context = { authorizer, keychain, secrets }

  const sendTo = async (request: RegistryRequest, attempts?: number): Promise<RegistryResponse> => {
    const host = await abortable(hosts.get(request.domain), request.signal)
    const asking: Asking = { host, scopes: request.scopes }
    const release = await host.slots.take(request.body !== undefined, request.signal)
    let used: string | undefined
    const onAuthorization = (authorization: string | undefined): void => {
      used = authorization
    }
    const sending = { ...context, hosts, warnings, userAgent, onAuthorization }
    try {
      const response = await retried(
        async () => {
          const response = await attempt(request, asking, sending)
          answered.add(host.domain)
          return response
        },
        {
          isRepeatable: request.isRepeatable ?? repeatable.has(request.method),
          wasThere: () => answered.has(host.domain),
          onWait: onWait(host.domain),
          onDrop: isGone => {
            if (request.body !== undefined) authorizer.doubt(used)
            if (isGone) warnings.say(host.domain, 'is not there any more; waiting for it')
          },
          signal: request.signal,
          ...(attempts === undefined ? {} : { attempts }),
        },
      )
      const failure = await failureOf(response, request, asking, context)
      if (failure !== undefined) throw failure
      if (response.status >= 400) return await blanked(response, secrets).finally(release)
      if (response.isRead || response.body.closed) release()
      else response.body.once('close', release)
      return response
    } catch (error) {
      release()
      throw error
    }
  }

  const viaMirrors = async (request: RegistryRequest): Promise<RegistryResponse | undefined> => {
    for (const text of options.hosts?.[request.domain]?.mirrors ?? []) {
      const mirror = readMirror(text, request.domain)
      if (absent.has(mirror.domain)) continue
      try {
        const response = await sendTo(toMirror(request, mirror), mirrorAttempts)
        if (response.status < 300) return response
        response.body.destroy()
      } catch (error) {
        request.signal?.throwIfAborted()
        const { code, message } = shownError(error)
        if (code === 'REGISTRY_UNREACHABLE' || code === 'REGISTRY_TLS') absent.add(mirror.domain)
        warnings.say(
          mirror.domain,
          secrets.blank(`was passed over as a mirror of ${request.domain}: ${message}`),
        )
      }
    }
    return undefined
  }

  return {
    async request(given) {
      const runSignal = given.isFarewell === true ? undefined : options.signal
      const signals = [given.signal, runSignal].filter(signal => signal !== undefined)
      const request = signals.length === 0 ? given : { ...given, signal: AbortSignal.any(signals) }
      request.signal?.throwIfAborted()
      if (options.offline === true) {
        const path = secrets.hide(given.target)
        throw new OrchError(
          'OFFLINE',
          `${given.domain} is not asked for ${path}: orch works offline`,
          {
            hint: 'Leave out --offline, or fetch what is missing beforehand.',
          },
        )
      }
      const isPull = request.method === 'GET' || request.method === 'HEAD'
      try {
        const mirrored = request.mirrored === true && isPull ? await viaMirrors(request) : undefined
        return mirrored ?? (await sendTo(request))
      } catch (error) {
        const plain = error instanceof ExchangeFault ? error.error : error
        throw withoutSecrets(plain, secrets)
      }
    },
    hide: secrets.hide,
    close: () => hosts.close(),
  }
}

/** An error's answer without our secrets, should the registry repeat them: callers quote from it. */
async function blanked(response: Followed, secrets: Secrets): Promise<Followed> {
  const bytes = await readSmall(response.body, 'cut')
  const text = bytes.toString('latin1')
  const clean = secrets.blank(text)
  const kept = clean === text ? bytes : Buffer.from(clean, 'latin1')
  const body = Readable.from([blankedWords(kept, secrets)], { objectMode: false })
  return { ...response, body }
}

/**
 * The words of a list of errors without short secrets too, which cannot be taken out of all the bytes: its
 * codes and details say what to do. What is no such list is not quoted.
 */
function blankedWords(bytes: Buffer, secrets: Secrets): Buffer {
  let isClean = true
  const blank = (word: Json | undefined): Json => {
    if (typeof word !== 'string' || /^[A-Z_]*$/.test(word)) return word ?? ''
    const clean = secrets.blankSaid(word)
    isClean &&= clean === word
    return clean
  }
  try {
    const { errors } = parseJsonObject(bytes, 'error', maxErrorBytes)
    if (!Array.isArray(errors)) return bytes
    const clean = errors
      .filter(error => isObject(error))
      .map(error => ({ ...error, code: blank(error['code']), message: blank(error['message']) }))
    return isClean ? bytes : Buffer.from(JSON.stringify({ errors: clean }))
  } catch {
    return bytes // most proxies answer in HTML
  }
}

function shownError(error: unknown): { code: string; message: string } {
  const inner = error instanceof ExchangeFault ? error.error : error
  if (inner instanceof OrchError) return inner
  throw inner
}
