import { parseReference, type Reference, UsageError } from '@orch/oci'
import type { Command } from 'commander'
import { bareReference, withRegistries } from '../registries.ts'
import type { Runner } from '../runner.ts'
import type { Session } from '../session.ts'

/** `orch ls`: the tags of a repository, or the repositories of a registry. */
export function addLs(program: Command, run: Runner): void {
  program
    .command('ls')
    .summary('list the tags of a repository, or the repositories of a registry')
    .description(
      'list the tags of a repository, or, for a host alone, the repositories of that registry',
    )
    .argument('<repository>', 'such as example.com/team/x, or example.com')
    .option('--insecure', 'with any certificate, or without TLS')
    .action(run(ls))
}

async function ls(
  session: Session,
  text: string,
  { insecure = false }: { insecure?: boolean },
): Promise<number> {
  const host = hostOf(bareReference(text))
  const { domain, path } =
    host === undefined ? repositoryOf(text) : { domain: host, path: undefined }
  return withRegistries(session, insecure ? domain : undefined, async registries => {
    const names =
      path === undefined ? registries.catalog(domain) : registries.repository(domain, path).tags()
    for await (const name of names) session.print(name)
    return 0
  })
}

/** The host, when the text is nothing else: one with a dot or `localhost`, or whatever ends in a slash. */
function hostOf(text: string): string | undefined {
  const bare = text.replace(/\/$/, '')
  if (bare.includes('/')) return undefined
  const isHost = bare !== text || /^(?:localhost|\[[\da-f:]+\]|[^:]*\.[^:]*)(?::\d+)?$/i.test(bare)
  if (!isHost) return undefined
  return parseReference(`${bare}/x`).domain
}

function repositoryOf(text: string): Reference {
  const reference = parseReference(bareReference(text))
  if (reference.tag === undefined && reference.digest === undefined) return reference
  throw new UsageError('REPOSITORY_INVALID', `${text} names one image, not a repository`, {
    hint: 'Leave out the tag; orch digest and orch inspect look at one image.',
  })
}
