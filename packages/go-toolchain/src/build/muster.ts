/**
 * A known number of members, each of which either joins or leaves. When all have decided, the work
 * is done once for those that joined.
 */
export class Muster<Member, Result> {
  readonly #work: (members: readonly Member[]) => Promise<ReadonlyMap<Member, Result>>
  readonly #joined: Member[] = []
  readonly #done = Promise.withResolvers<ReadonlyMap<Member, Result>>()
  #undecided: number

  constructor(
    size: number,
    work: (members: readonly Member[]) => Promise<ReadonlyMap<Member, Result>>,
  ) {
    this.#undecided = size
    this.#work = work
    // Those that joined see the failure; when none did, there is none.
    this.#done.promise.catch(() => {})
  }

  /** Takes part in the work. */
  async join(member: Member): Promise<Result> {
    this.#joined.push(member)
    this.#decide()
    const result = (await this.#done.promise).get(member)
    if (result === undefined) throw new Error('the work left a member without a result')
    return result
  }

  /** Does without. */
  leave(): void {
    this.#decide()
  }

  #decide(): void {
    this.#undecided -= 1
    if (this.#undecided > 0) return
    if (this.#joined.length === 0) this.#done.resolve(new Map())
    else this.#work(this.#joined).then(this.#done.resolve, this.#done.reject)
  }
}
