import { type Plugin, parseSourceRef } from '@orch/core'
import { type ImageSource, UsageError } from '@orch/oci'
import type { Command } from 'commander'
import { namedSetting, type Session, withSources } from './session.ts'

/** Adds the option that waives safety towards the registry of a reference. */
export function addInsecure(command: Command): Command {
  return command.option(
    '--insecure',
    'speak to the registry with any certificate, or without TLS; as ,insecure=true after a reference',
  )
}

/** How a source is opened. */
interface Opening {
  /** With every image of its medium. */
  readonly whole?: boolean
  readonly insecure?: boolean | undefined
}

/** Does `work` with an image that exists. Throws `SOURCE_OPTION`, and what opening throws. */
export async function withImage<T>(
  session: Session,
  source: string,
  { whole = false, insecure = false }: Opening,
  work: (image: ImageSource) => Promise<T>,
): Promise<T> {
  const setting = await namedSetting(session)
  const named = insecure ? insecureSource(source, setting.plugins) : source
  if (named === undefined) {
    throw new UsageError('SOURCE_OPTION', `--insecure, and ${source} is in no registry`, {
      hint: 'Leave out --insecure.',
    })
  }
  return withSources(session, async orch => work(await orch.open(named, { whole })), setting)
}

/** The source with the option insecure; undefined for one that is in no registry. */
export function insecureSource(source: string, plugins: readonly Plugin[]): string | undefined {
  const schemes = new Set(plugins.flatMap(({ sources = [] }) => sources))
  const { scheme } = parseSourceRef(source, schemes)
  return scheme === 'docker' ? `${source},insecure=true` : undefined
}
