import { hostAlone, parseReference, type Reference, UsageError } from '@orch/oci'
import { splitPlace } from '@orch/plugin-registry'
import type { Command } from 'commander'
import { addInsecure } from '../open-image.ts'
import { bareReference, withRegistries } from '../registries.ts'
import type { Runner } from '../runner.ts'
import type { Session } from '../session.ts'

/** `orch ls`: the tags of a repository, or the repositories of a registry. */
export function addLs(program: Command, run: Runner): void {
  const command = program
    .command('ls')
    .summary('list the tags of a repository, or the repositories of a registry')
    .description(
      'list the tags of a repository, or, for a host alone, the repositories of that registry',
    )
    .argument('<repository>', 'such as example.com/team/x, or example.com')
  addInsecure(command).action(run(ls))
}

async function ls(
  session: Session,
  text: string,
  { insecure = false }: { insecure?: boolean },
): Promise<number> {
  const place = splitPlace(bareReference(text))
  const host = hostAlone(place.name)
  const { domain, path } =
    host === undefined ? repositoryOf(place.name) : { domain: host, path: undefined }
  return withRegistries(
    session,
    insecure || place.insecure ? domain : undefined,
    async registries => {
      const names =
        path === undefined ? registries.catalog(domain) : registries.repository(domain, path).tags()
      for await (const name of names) session.print(name)
      return 0
    },
  )
}

function repositoryOf(text: string): Reference {
  const reference = parseReference(text)
  if (reference.tag === undefined && reference.digest === undefined) return reference
  throw new UsageError('REPOSITORY_INVALID', `${text} names one image, not a repository`, {
    hint: 'Leave out the tag; orch digest and orch inspect look at one image.',
  })
}
