import { localPlatform, manifestFor, type Platform, parsePlatform } from '@orch/oci'
import type { Command } from 'commander'
import { addInsecure, withImage } from '../open-image.ts'
import type { Runner } from '../runner.ts'
import type { Session } from '../session.ts'

/** `orch digest`: what a name stands for now. */
export function addDigest(program: Command, run: Runner): void {
  const command = program
    .command('digest')
    .summary('print the digest of an image')
    .description(
      'print the digest of an image: of its index, or with --platform of the manifest for one platform',
    )
    .argument('<source>', 'such as example.com/team/x:1, oci:dist/oci, oci-archive:x.tar')
    .option('--platform <platform>', 'of this platform; local is that of this machine')
  addInsecure(command).action(run(digest))
}

async function digest(
  session: Session,
  source: string,
  options: { platform?: string; insecure?: boolean },
): Promise<number> {
  const platform = options.platform === undefined ? undefined : platformOf(options.platform)
  return withImage(session, source, options, async image => {
    const { signal } = session.interruption
    const found =
      platform === undefined
        ? image.root
        : (await manifestFor(image, platform, { what: source, signal })).descriptor
    session.print(found.digest)
    return 0
  })
}

function platformOf(text: string): Platform {
  return text === 'local' ? localPlatform() : parsePlatform(text)
}
