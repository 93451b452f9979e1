import { readWhole } from '../transport/bodies.ts'
import type { RegistryResponse } from '../transport/types.ts'
import { brokenAnswer, brokenOff } from './answer.ts'
import { pause } from './patience.ts'

const tries = 4

/**
 * Sends a request for something small and reads it whole, again when the connection breaks off. An
 * answer without success has no bytes here; its body is yet to be read. Throws `REGISTRY_UNREACHABLE`,
 * `REGISTRY_ANSWER_INVALID` above `limit` bytes.
 */
export async function askWhole(
  send: () => Promise<RegistryResponse>,
  what: string,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly response: RegistryResponse; readonly bytes: Uint8Array }> {
  for (let failures = 1; ; failures++) {
    const response = await send()
    if (response.status !== 200) return { response, bytes: new Uint8Array() }
    let bytes: Uint8Array | undefined
    try {
      bytes = await readWhole(response, limit)
    } catch (error) {
      signal?.throwIfAborted()
      if (failures === tries) throw brokenOff(what, error)
      await pause(Math.random() * 100 * 2 ** failures, signal)
      continue
    }
    if (bytes === undefined) throw brokenAnswer(what, `the answer is longer than ${limit} bytes`)
    return { response, bytes }
  }
}
