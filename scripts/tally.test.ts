import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { countLines, isGood, parseSteps, type StepResult, tally } from './tally.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Runs a real vitest over these files, and gives the step as scripts/test.sh would note it. */
function vitest(files: Record<string, string>): StepResult {
  // Inside the repository, so that the files find vitest.
  const results = join(root, 'test/.results')
  mkdirSync(results, { recursive: true })
  const folder = mkdtempSync(join(results, 'tally-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const report = join(folder, 'report.json')
  let exitCode = 0
  try {
    const args = ['run', '--root', folder, '--reporter=json', `--outputFile=${report}`]
    execFileSync(join(root, 'node_modules/.bin/vitest'), args, { stdio: 'ignore' })
  } catch (error) {
    exitCode = (error as { status: number }).status
  }
  return { kind: 'tests', name: 'unit', exitCode, report: readFileSync(report, 'utf8') }
}

const check = (name: string, exitCode: number): StepResult => ({ kind: 'check', name, exitCode })
const importVitest = `import { describe, expect, it } from 'vitest'\n`

describe('the count of npm test', () => {
  it('counts a check as one, and names the failed one', () => {
    const result = tally([check('lint', 0), check('types', 2)], '/repo')
    expect(countLines(result)).toBe('1 passed, 1 failed')
    expect(result.failed).toEqual(['check types: exit code 2'])
    expect(isGood(result)).toBe(false)
  })

  it('counts what vitest ran: passed, failed and skipped, with the reason in the name', () => {
    const step = vitest({
      'a.test.ts': `${importVitest}
        it('adds', () => expect(1 + 1).toBe(2))
        it('fails', () => expect(1).toBe(2))
        describe.skip('copies [skipped: skopeo is not installed]', () => { it('copies', () => {}) })`,
    })
    const result = tally([step], '/nowhere')
    expect(countLines(result)).toBe('1 skipped\n1 passed, 1 failed')
    expect(result.failed[0]).toMatch(/^unit .*a\.test\.ts: fails$/)
    expect(result.skipped[0]).toContain('copies [skipped: skopeo is not installed] copies')
  })

  it('a file that does not load is a failure', () => {
    const step = vitest({
      'good.test.ts': `${importVitest} it('is good', () => expect(1).toBe(1))`,
      'bad.test.ts': `import './missing.ts'`,
    })
    const result = tally([step], '/nowhere')
    expect(countLines(result)).toBe('1 passed, 1 failed')
    expect(result.failed[0]).toContain('bad.test.ts: ')
  })

  it('a set-up that fails is a failure, and its tests are not called skipped', () => {
    const step = vitest({
      'setup.test.ts': `import { beforeAll, describe, it } from 'vitest'
        describe('with a service', () => {
          beforeAll(() => { throw new Error('no service') })
          it('one', () => {})
          it('two', () => {})
        })
        describe.skip('elsewhere [skipped: no skopeo]', () => { it('three', () => {}) })`,
    })
    const result = tally([step], '/nowhere')
    expect(countLines(result)).toBe('1 skipped\n0 passed, 1 failed')
    expect(result.failed[0]).toContain('setup.test.ts: set-up failed, 2 tests did not run')
  })

  it('an error outside every test is a failure', () => {
    const step = vitest({
      'late.test.ts': `${importVitest}
        Promise.reject(new Error('late'))
        it('is good', () => expect(1).toBe(1))`,
    })
    const result = tally([step], '/nowhere')
    expect(countLines(result)).toBe('1 passed, 1 failed')
    expect(result.failed[0]).toContain('though no test failed')
  })

  it('no tests, no report or a broken report is a failure', () => {
    const step = { kind: 'tests', name: 'e2e', exitCode: 0 } as const
    for (const report of [undefined, '{"testRes', '{"testResults":[]}'])
      expect(countLines(tally([{ ...step, report }], '/repo'))).toBe('0 passed, 1 failed')
  })

  it('a run of nothing is not good', () => {
    expect(isGood(tally([], '/repo'))).toBe(false)
  })

  it('reads the notes of the run, and refuses what is no step', () => {
    expect(parseSteps('check\tlint\t0\t2\ntests\tunit\t1\t30\n')).toEqual([
      { kind: 'check', name: 'lint', exitCode: 0 },
      { kind: 'tests', name: 'unit', exitCode: 1 },
    ])
    expect(() => parseSteps('check\tlint\n')).toThrow('no step: check\tlint')
  })
})
