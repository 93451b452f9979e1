/** Ends `npm test`: prints what failed, what was skipped, and the count. Takes the folder of results. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { countLines, isGood, parseSteps, tally } from './tally.ts'

const folder = process.argv[2]
if (folder === undefined) throw new Error('summary: the folder of results is missing')

const steps = parseSteps(readFileSync(join(folder, 'steps.tsv'), 'utf8')).map(step => {
  const file = join(folder, `${step.name}.json`)
  return { ...step, report: existsSync(file) ? readFileSync(file, 'utf8') : undefined }
})
const result = tally(steps, process.cwd())

print('Skipped', result.skipped)
print('Failed', result.failed)
const count = countLines(result)
writeFileSync(join(folder, 'summary.txt'), `${count}\n`)
console.log(count)
process.exitCode = isGood(result) ? 0 : 1

function print(title: string, lines: readonly string[]): void {
  if (lines.length === 0) return
  console.log(`\n${title}:`)
  for (const line of lines) console.log(`  ${line}`)
  console.log()
}
