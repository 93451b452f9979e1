import type { Outcome } from '../../kit/exec.ts'
import { median, table } from './table.ts'

/** One of those that are compared. The first of a contest is orch. */
export interface Peer {
  readonly name: string
}

/** The seconds that peers took, in all rounds, for each kind of work. */
export class Contest {
  readonly #kinds: readonly string[]
  readonly #peers: readonly Peer[]
  readonly #seconds = new Map<string, number[]>()

  constructor(kinds: readonly string[], peers: readonly Peer[]) {
    this.#kinds = kinds
    this.#peers = peers
  }

  /** Nobody is always the first. */
  static inTurn<Item>(round: number, peers: readonly Item[]): readonly Item[] {
    const first = (round - 1) % peers.length
    return [...peers.slice(first), ...peers.slice(0, first)]
  }

  /** Lets a peer do its work once. Throws when it fails. */
  async time({ name }: Peer, kind: string, work: () => Promise<Outcome>): Promise<void> {
    const began = performance.now()
    const outcome = await work()
    const seconds = (performance.now() - began) / 1000
    expectSuccess(name, outcome)
    this.#of(name, kind).push(seconds)
  }

  table(): string {
    const [ours] = this.#peers
    const rows = this.#peers.flatMap(({ name }) =>
      this.#kinds.map(kind => {
        const all = this.#of(name, kind)
        const own = this.#of(ours?.name ?? '', kind)
        // The ratio is the median of the rounds' own ratios.
        const ratios = all.map((seconds, round) => (own[round] ?? Number.NaN) / seconds)
        return [
          `${name}, ${kind}`,
          ...[Math.min(...all), median(all), Math.max(...all)].map(value => value.toFixed(2)),
          all === own ? '' : median(ratios).toFixed(2),
        ]
      }),
    )
    return table([['', 'min', 'median', 'max', 'orch : this'], ...rows])
  }

  #of(name: string, kind: string): number[] {
    const key = `${name}, ${kind}`
    const seconds = this.#seconds.get(key) ?? []
    this.#seconds.set(key, seconds)
    return seconds
  }
}

/** Throws what a program said when it failed. */
export function expectSuccess(name: string, { exitCode, stdout, stderr }: Outcome): void {
  if (exitCode !== 0) throw new Error(`${name}: exit code ${exitCode}\n${stdout}${stderr}`)
}
