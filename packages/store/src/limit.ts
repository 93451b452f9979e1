import { UsageError } from '@orch/oci'

const powers = ['', 'K', 'M', 'G', 'T']
const defaultLimit = 10 * 1024 ** 3

/**
 * Reads a count of bytes: `1073741824`, `500MB` (decimal), `20GiB` (binary), `1.5TiB`.
 * Throws `CACHE_LIMIT_INVALID`.
 * @param what names where the text stood, such as `ORCH_CACHE_LIMIT`
 */
export function parseSize(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?) ?(?:B|([KMGT])(i?)B)?$/i.exec(text.trim())
  const power = powers.indexOf((match?.[2] ?? '').toUpperCase())
  const bytes = Math.floor(Number(match?.[1]) * (match?.[3] ? 1024 : 1000) ** power)
  if (!Number.isSafeInteger(bytes)) throw invalid(JSON.stringify(text), what)
  return bytes
}

/** The limit of a store in bytes: what the caller said, else `$ORCH_CACHE_LIMIT`, else 10 GiB. Throws `CACHE_LIMIT_INVALID`. */
export function storeLimit(
  asked?: number,
  env: Readonly<Record<string, string | undefined>> = process.env,
): number {
  if (asked !== undefined) {
    if (!(asked >= 0)) throw invalid(String(asked), 'the cache limit')
    return asked
  }
  const text = env['ORCH_CACHE_LIMIT']
  return text === undefined || text === '' ? defaultLimit : parseSize(text, 'ORCH_CACHE_LIMIT')
}

function invalid(shown: string, what: string): UsageError {
  return new UsageError('CACHE_LIMIT_INVALID', `${what}: ${shown} is not a size`, {
    hint: 'Write a count of bytes such as 20GiB, 500MB or 1073741824.',
  })
}
