import { OrchError } from '../errors.ts'

/** Something wrong with an image. `code` is stable. */
export interface Finding {
  readonly code: string
  /** From the root down: `index sha256:… › linux/arm64 › layers[2]`. */
  readonly where: string
  readonly message: string
}

/** Gathers findings below one place of a graph. */
export class Report {
  readonly findings: Finding[] = []

  add(where: readonly string[], code: string, message: string): void {
    this.findings.push({ code, where: where.join(' › '), message })
  }

  /** Runs `check`; an error that it raises becomes a finding, and undefined is returned. Aborts and bugs pass. */
  async try<T>(where: readonly string[], check: () => Promise<T>): Promise<T | undefined> {
    try {
      return await check()
    } catch (error) {
      if (!(error instanceof OrchError)) throw error
      this.add(where, error.code, error.message)
      return undefined
    }
  }
}
