import { execFileSync } from 'node:child_process'

/** Runs a short program while tests are being collected; why it failed, or `undefined` when it did not. */
export function failureOf(file: string, args: readonly string[]): string | undefined {
  try {
    execFileSync(file, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 120_000 })
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message.trim().replaceAll('\n', ' ') : String(error)
  }
}
