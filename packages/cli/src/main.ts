import './threads.ts'
import { OrchError } from '@orch/oci'
import { tellFailures } from './failures.ts'
import { run } from './run.ts'

let exitCode: number | undefined
// A mistake in orch, or in a plugin's timer or listener, that nobody was there to catch.
process.on('uncaughtException', error => {
  tellFailures([error], { verbose: true })
  process.exit(1)
})
// A plugin that ends the process must not make a build look done.
process.on('exit', code => {
  if (exitCode !== undefined || code !== 0) return
  const hint = 'A plugin must not call process.exit().'
  tellFailures([new OrchError('ENDED', 'the process was ended before its work was done', { hint })])
  process.exitCode = 1
})

void run(process.argv.slice(2)).then(code => {
  exitCode = code
  // What has been said is out before the end, and a plugin that holds something open does not delay it.
  process.stdout.write('', () => process.stderr.write('', () => setImmediate(end)))
})

function end(): never {
  process.exit(exitCode)
}
