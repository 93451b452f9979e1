import { formatReference, isTag, type Reference, UsageError } from '@orch/oci'
import { parsePlace } from '@orch/plugin-registry'
import type { Command } from 'commander'
import { addInsecure } from '../open-image.ts'
import { bareReference, withRegistries } from '../registries.ts'
import type { Runner } from '../runner.ts'
import type { Session } from '../session.ts'

/** `orch tag`: more names for what a registry has. */
export function addTag(program: Command, run: Runner): void {
  const command = program
    .command('tag')
    .summary('give an image in a registry more tags')
    .description('give an image in a registry more tags, without moving a blob; the digest stays')
    .argument('<reference>', 'such as example.com/team/x:1, or one with a digest')
    .argument('<tag...>', 'such as latest, or a whole reference to the same repository')
  addInsecure(command).action(run(tag))
}

async function tag(
  session: Session,
  text: string,
  wanted: readonly string[],
  { insecure = false }: { insecure?: boolean },
): Promise<number> {
  const place = parsePlace(bareReference(text))
  const { reference } = place
  const { domain, path } = reference
  const tags = [...new Set(wanted.map(item => tagOf(item, reference)))]
  return withRegistries(
    session,
    insecure || place.insecure ? domain : undefined,
    async registries => {
      const repository = registries.repository(domain, path)
      const named = reference.digest ?? reference.tag ?? 'latest'
      const { bytes, descriptor } = await repository.document(named)
      const { mediaType } = descriptor
      const digest = await repository.put({ bytes, mediaType }, tags)
      for (const item of tags)
        session.print(`${formatReference({ domain, path, tag: item, digest })}`)
      return 0
    },
  )
}

/** The tag that is meant by a lone tag or by a whole reference to the same repository. */
function tagOf(text: string, { domain, path }: Reference): string {
  if (isTag(text)) return text
  const { reference: other } = parsePlace(bareReference(text))
  if (other.domain === domain && other.path === path && other.digest === undefined && other.tag)
    return other.tag
  throw new UsageError('TAG_ELSEWHERE', `${text} is no tag of ${domain}/${path}`, {
    hint: 'orch tag stays in one repository; orch copy goes from one to another.',
  })
}
