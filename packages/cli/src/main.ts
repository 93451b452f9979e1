import './threads.ts'
import { reportBug, run } from './run.ts'

let exitCode: number | undefined
process.on('uncaughtException', error => {
  reportBug(error)
  process.exit(1)
})
// A plugin that ends the process must not make a build look done.
process.on('exit', code => {
  if (exitCode !== undefined || code !== 0) return
  process.stderr.write('error[ENDED]: something ended the process before its work was done\n')
  process.exitCode = 1
})

exitCode = await run(process.argv.slice(2))
// What has been said is out before the end, and a plugin that holds something open does not delay it.
process.stdout.write('', () => process.stderr.write('', () => setImmediate(end)))

function end(): never {
  process.exit(exitCode)
}
