import { constants } from 'node:os'
import { OrchError } from '@orch/oci'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** A way to stop: aborts at the first signal, ends the process at the second. */
export interface Interruption {
  readonly signal: AbortSignal
  /** 130 after Ctrl-C, 128 + the signal's number in general; undefined when nothing came. */
  exitCode(): number | undefined
  /** Aborts because nothing is left that could ever go on: a plugin waits for what never comes. */
  stall(): void
  /** Gives the signals back. */
  release(): void
}

/** Takes Ctrl-C and the polite signals: the first aborts what runs, so that it cleans up after itself. */
export function catchInterruption(): Interruption {
  const controller = new AbortController()
  let code: number | undefined
  const onSignal = (name: NodeJS.Signals): void => {
    if (code !== undefined) process.exit(code)
    code = 128 + constants.signals[name]
    controller.abort(new OrchError('INTERRUPTED', `interrupted by ${name}`))
  }
  for (const name of signals) process.on(name, onSignal)
  return {
    signal: controller.signal,
    exitCode: () => code,
    stall: () => controller.abort(new OrchError('STALLED', 'nothing is left to wait for')),
    release: () => {
      for (const name of signals) process.off(name, onSignal)
    },
  }
}
