import { validateImage } from '@orch/oci'
import { visible } from '@orch/report'
import type { Command } from 'commander'
import { addInsecure, withImage } from '../open-image.ts'
import type { Runner } from '../runner.ts'
import type { Session } from '../session.ts'

/** `orch validate`: everything that is wrong with an image. */
export function addValidate(program: Command, run: Runner): void {
  const command = program
    .command('validate')
    .description('re-hash and check everything below an image; exit 1 when something is wrong')
    .argument(
      '<source>',
      'such as example.com/x:1, oci:dist/oci, oci-archive:x.tar, docker-archive:x.tar, containerd:[namespace/]name, docker-daemon:name',
    )
    .option('--json', 'print the findings as JSON')
  addInsecure(command).action(run(validate))
}

async function validate(
  session: Session,
  source: string,
  options: { json?: boolean; insecure?: boolean },
): Promise<number> {
  const { insecure } = options
  return withImage(session, source, { whole: true, insecure }, async image => {
    const { findings, blobs, bytes, platforms } = await validateImage(
      image,
      session.interruption.signal,
    )
    if (options.json === true)
      session.print(JSON.stringify({ findings, blobs, bytes, platforms }, null, 2))
    else {
      for (const { where, code, message } of findings)
        session.print(visible(`${where}: ${code}: ${message}`))
      const verdict = findings.length === 0 ? 'valid' : `${findings.length} found wrong`
      session.print(
        `${source}: ${verdict}; ${blobs} blobs, ${bytes} bytes, platforms ${platforms.join(', ') || 'none'}`,
      )
    }
    return findings.length === 0 ? 0 : 1
  })
}
