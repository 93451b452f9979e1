import type { Command } from 'commander'
import type { Session } from './session.ts'

/** How a command is run: with a session, returning its exit code. */
export type Runner = <T extends unknown[]>(
  work: (session: Session, ...args: T) => Promise<number>,
) => (...args: [...T, Command]) => Promise<void>
