/** How many questions to a source of content are under way together. */
const together = 16

/**
 * Runs `work` on every item, `most` at once, and gives the outcomes in the order of the items. The
 * first failure ends it: nothing new is begun, and what runs is waited for.
 */
export async function atOnce<Item, Outcome>(
  items: readonly Item[],
  work: (item: Item) => Promise<Outcome>,
  most: number = together,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  const entries = items.entries()
  let failed = false
  const worker = async (): Promise<void> => {
    for (const [at, item] of entries) {
      if (failed) return
      outcomes[at] = await work(item)
    }
  }
  const workers = Array.from({ length: Math.min(most, items.length) }, () =>
    worker().catch(error => {
      failed = true
      throw error
    }),
  )
  const settled = await Promise.allSettled(workers)
  for (const outcome of settled) if (outcome.status === 'rejected') throw outcome.reason
  return outcomes
}
