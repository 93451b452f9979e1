/** Counts what `npm test` did, from the notes of scripts/test.sh and vitest's JSON reports. */

/** One step of the run: a check counts as one; the tests of a test step count each. */
export interface Step {
  readonly kind: 'check' | 'tests'
  readonly name: string
  readonly exitCode: number
}

/** A step, and for tests the text of vitest's JSON report, `undefined` when it wrote none. */
export interface StepResult extends Step {
  readonly report?: string | undefined
}

/** `failed` and `skipped` hold a line for each, `passed` only counts. */
export interface Tally {
  readonly passed: number
  readonly failed: readonly string[]
  readonly skipped: readonly string[]
}

interface Assertion {
  readonly status: string
  readonly fullName: string
}

interface TestFile {
  readonly name: string
  readonly status: string
  readonly message: string
  readonly assertionResults: readonly Assertion[]
}

/** Reads steps.tsv: kind, name, exit code and seconds, separated by tabs. Throws on a line that is none of these. */
export function parseSteps(text: string): Step[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const [kind, name, code] = line.split('\t')
      if ((kind !== 'check' && kind !== 'tests') || name === undefined || !/^\d+$/.test(code ?? ''))
        throw new Error(`steps.tsv has a line that is no step: ${line}`)
      return { kind, name, exitCode: Number(code) }
    })
}

/** Counts all steps. `root` is cut from the names of test files. */
export function tally(steps: readonly StepResult[], root: string): Tally {
  const parts = steps.map(step =>
    step.kind === 'check' ? tallyCheck(step) : tallyTests(step, root),
  )
  return {
    passed: parts.reduce((sum, part) => sum + part.passed, 0),
    failed: parts.flatMap(part => part.failed),
    skipped: parts.flatMap(part => part.skipped),
  }
}

/**
 * The end of the run: always last `3 passed, 1 failed`, which other programs read; before it, when there are
 * some, a line `2 skipped`.
 */
export function countLines({ passed, failed, skipped }: Tally): string {
  const head = skipped.length === 0 ? '' : `${skipped.length} skipped\n`
  return `${head}${passed} passed, ${failed.length} failed`
}

/** Whether the run was good: nothing failed, and something ran. */
export function isGood({ passed, failed }: Tally): boolean {
  return passed > 0 && failed.length === 0
}

function tallyCheck({ name, exitCode }: Step): Tally {
  return exitCode === 0
    ? { passed: 1, failed: [], skipped: [] }
    : { passed: 0, failed: [`check ${name}: exit code ${exitCode}`], skipped: [] }
}

function tallyTests({ name, exitCode, report }: StepResult, root: string): Tally {
  const files = readReport(report)
  if (files === undefined)
    return { passed: 0, failed: [`${name}: no report, exit code ${exitCode}`], skipped: [] }
  let passed = 0
  const failed: string[] = []
  const skipped: string[] = []
  for (const file of files) {
    const where = file.name.startsWith(`${root}/`) ? file.name.slice(root.length + 1) : file.name
    const line = (test: Assertion) => `${name} ${where}: ${test.fullName}`
    const bad = file.assertionResults.filter(test => test.status === 'failed')
    const unrun = file.assertionResults.filter(test => !['passed', 'failed'].includes(test.status))
    passed += file.assertionResults.length - bad.length - unrun.length
    failed.push(...bad.map(line))
    if (file.status !== 'failed' || bad.length > 0) skipped.push(...unrun.map(line))
    else {
      // The file did not load or its set-up failed: what then did not run was not skipped on purpose.
      const deliberate = unrun.filter(test => test.fullName.includes('[skipped: '))
      const lost = unrun.length - deliberate.length
      const why = file.message.split('\n')[0] || `set-up failed, ${lost} tests did not run`
      failed.push(`${name} ${where}: ${why}`)
      skipped.push(...deliberate.map(line))
    }
  }
  // An error outside every test, or no test at all.
  if (failed.length === 0 && (exitCode !== 0 || files.length === 0))
    failed.push(`${name}: exit code ${exitCode}, though no test failed`)
  return { passed, failed, skipped }
}

function readReport(text: string | undefined): TestFile[] | undefined {
  if (text === undefined) return undefined
  try {
    const report: { testResults?: TestFile[] } = JSON.parse(text)
    return report.testResults
  } catch {
    // A report cut short by a crash counts as none, and so as a failure.
    return undefined
  }
}
