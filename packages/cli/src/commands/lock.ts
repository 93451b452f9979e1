import { type Locks, lockableBases, lockFileOf, readLocks, writeLocks } from '@orch/config'
import type { Orch } from '@orch/core'
import { atOnce, didYouMean, UsageError } from '@orch/oci'
import type { Command } from 'commander'
import type { Runner } from '../runner.ts'
import { openProject, type Session, settingOf, withSources } from '../session.ts'

interface LockOptions {
  readonly update?: true | readonly string[]
}

const description = [
  'hold bases in registries to their digests',
  'Writes orch.lock beside the project file: the digest of every base that is in a registry and has none of its own. What the file holds stays as it is, what no image needs any more goes. Builds take the digests from there.',
].join('\n\n')

/** `orch lock`: the file that says which digests bases have. */
export function addLock(program: Command, run: Runner): void {
  program
    .command('lock')
    .summary('hold bases in registries to their digests, in orch.lock')
    .description(description)
    .option(
      '--update [base...]',
      'ask again for these bases, as the project file names them; or all',
    )
    .action(run(lock))
}

async function lock(session: Session, { update }: LockOptions): Promise<number> {
  const project = await openProject(session)
  const file = lockFileOf(project.file)
  const needed = lockableBases(project.config.images, project.plugins)
  const before = await readLocks(file)
  const again = update === true ? needed : (update ?? [])
  for (const base of again) if (!needed.includes(base)) throw unknown(base, needed)
  const kept = (base: string): boolean => Object.hasOwn(before ?? {}, base) && !again.includes(base)
  const missing = needed.filter(base => !kept(base))
  const find = (orch: Orch): Promise<Locks> => digestsOf(missing, orch)
  const found = missing.length === 0 ? {} : await withSources(session, find, settingOf(project))
  const entries = Object.entries({ ...before, ...found }).filter(([base]) => needed.includes(base))
  const after: Locks = Object.fromEntries(entries)
  if (before !== undefined || needed.length > 0) await writeLocks(file, after)
  for (const line of changes(before ?? {}, after)) session.print(line)
  return 0
}

async function digestsOf(bases: readonly string[], orch: Orch): Promise<Locks> {
  return Object.fromEntries(
    await atOnce(bases, async base => [base, (await orch.open(base)).root.digest] as const),
  )
}

/** A line for every base that the file holds or held. */
function* changes(before: Locks, after: Locks): Generator<string> {
  for (const base of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, now] = [before, after].map(locks =>
      Object.hasOwn(locks, base) ? locks[base] : undefined,
    )
    if (now === undefined) yield `${base} ${old} removed`
    else if (old === undefined) yield `${base} ${now} added`
    else yield old === now ? `${base} ${now}` : `${base} ${now} instead of ${old}`
  }
}

function unknown(base: string, needed: readonly string[]): UsageError {
  const there = needed.length === 0 ? 'none to lock' : needed.join(', ')
  return new UsageError('BASE_UNKNOWN', `no image has the base ${base}; there is ${there}`, {
    hint: didYouMean(base, needed) ?? 'Name it as the project file does.',
  })
}
