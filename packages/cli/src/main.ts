import './threads.ts'
import { run } from './run.ts'

const exitCode = await run(process.argv.slice(2))
// What has been said is out before the end, and a plugin that holds something open does not delay it.
process.stdout.write('', () => process.stderr.write('', () => setImmediate(end)))

function end(): never {
  process.exit(exitCode)
}
