import { formatSize } from '@orch/report'
import { cacheUsage, parseSize, pruneCache, verifyCache } from '@orch/store'
import type { Command } from 'commander'
import type { Runner } from '../runner.ts'

/** `orch cache`: what is remembered between builds. */
export function addCache(program: Command, run: Runner): void {
  const cache = program.command('cache').description('what is kept between builds')
  cache
    .command('ls')
    .description('list the blobs of the store, last used first, and what orch fetch keeps there')
    .option('--json', 'print as JSON')
    .action(
      run(async (session, options: { json?: boolean }) => {
        const usage = await cacheUsage()
        if (options.json === true) session.print(JSON.stringify(usage, null, 2))
        else {
          for (const { digest, size, lastUsed } of usage.entries) {
            session.print(
              `${digest}  ${formatSize(size).padStart(10)}  ${new Date(lastUsed).toISOString()}`,
            )
          }
          for (const { name, blobs, lastUsed } of usage.kept) {
            const bytes = blobs.reduce((sum, { size }) => sum + size, 0)
            const size = blobs.length === 0 ? '' : `${formatSize(bytes)} `
            session.print(`kept ${name}  ${size}${new Date(lastUsed).toISOString()}`)
          }
          session.print(
            `${usage.root}: ${usage.blobs} blobs, ${formatSize(usage.bytes)}, ${usage.actions} actions`,
          )
        }
        return 0
      }),
    )
  cache
    .command('prune')
    .description(
      'evict least recently used blobs down to the size limit; what a running build uses, and what orch fetch keeps, stays',
    )
    .option('--limit <size>', 'keep at most this much, such as 2GiB', text =>
      parseSize(text, '--limit'),
    )
    .option('--all', 'evict everything that is not in use, what orch fetch keeps too')
    .action(
      run(async (session, options: { limit?: number; all?: boolean }) => {
        const { removed, freedBytes } = await pruneCache(undefined, options)
        session.print(`removed ${removed} blobs, freed ${formatSize(freedBytes)}`)
        return 0
      }),
    )
  cache
    .command('verify')
    .description(
      're-hash every blob and read every record; what is damaged is dropped; exit 1 when something was',
    )
    .action(
      run(async session => {
        const { checked, corrupt } = await verifyCache(undefined, {
          signal: session.interruption.signal,
        })
        for (const item of corrupt) session.print(`dropped ${item}`)
        session.print(`${checked} checked, ${corrupt.length} damaged`)
        return corrupt.length === 0 ? 0 : 1
      }),
    )
}
