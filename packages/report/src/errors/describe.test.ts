import { HookError } from '@orch/core'
import { OrchError, UsageError } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { dedupeErrors } from './dedupe.ts'
import { describeError } from './describe.ts'
import { exitCodeOf } from './exit-code.ts'

const compilerOutput = '# example.com/hello\n./main.go:5:2: undefined: x\n\tsee above\n'

class ToolError extends OrchError {
  readonly detail: string

  constructor(message: string, detail: string) {
    super('GO_BUILD_FAILED', `${message}\n${detail}`, { hint: 'Fix what the compiler names.' })
    this.detail = detail
  }
}

/** What core throws when a tap of the plugin go throws `cause`. */
function inHook(cause: Error, platform = 'linux/amd64', image = 'api'): HookError {
  const code = cause instanceof OrchError ? cause.code : 'PLUGIN_FAILED'
  const hint = cause instanceof OrchError ? cause.hint : undefined
  const place = { hook: 'compile', plugin: 'go', image, platform }
  return new HookError(code, cause.message, place, {
    cause,
    ...(hint === undefined ? {} : { hint }),
  })
}

function compileError(platform: string, image = 'api'): HookError {
  const message = `image ${image} (${platform}): go build failed`
  return inHook(new ToolError(message, compilerOutput), platform, image)
}

const shown = (error: unknown, verbose = false): string =>
  describeError(error, { color: false, verbose })

describe('describeError', () => {
  it('shows code, message and hint', () => {
    const error = new OrchError('BLOB_CORRUPT', 'blob sha256:00 is corrupt', { hint: 'Prune it.' })
    expect(shown(error)).toBe('error[BLOB_CORRUPT]: blob sha256:00 is corrupt\nhint: Prune it.')
  })

  it('shows where a plugin failed, and what it threw only once', () => {
    const error = inHook(new OrchError('GO_MISSING', 'go was not found', { hint: 'Install Go.' }))
    expect(shown(error)).toBe(
      [
        'error[GO_MISSING]: go was not found',
        '  in api linux/amd64 (plugin go, hook compile)',
        'hint: Install Go.',
      ].join('\n'),
    )
  })

  it("shows the compiler's output once for all the targets that failed of it", () => {
    const errors = ['linux/amd64', 'linux/arm64'].map(platform => compileError(platform))
    const all = new AggregateError([new AggregateError(errors), compileError('linux/amd64', 'web')])
    expect(shown(all)).toBe(
      [
        'error[GO_BUILD_FAILED]: go build failed',
        '  in api linux/amd64, api linux/arm64, web linux/amd64 (plugin go, hook compile)',
        '# example.com/hello',
        './main.go:5:2: undefined: x',
        '\tsee above',
        'hint: Fix what the compiler names.',
      ].join('\n'),
    )
  })

  it('shows different problems apart', () => {
    const all = new AggregateError([compileError('linux/amd64'), new OrchError('A', 'second')])
    expect(shown(all)).toMatch(/\n\nerror\[A\]: second$/)
  })

  it('shows causes that say something new', () => {
    const root = new Error('connection reset')
    const middle = new Error('the index cannot be read: connection reset', { cause: root })
    const error = new OrchError('BASE_FAILED', 'base oci:x cannot be opened', { cause: middle })
    expect(shown(error)).toBe(
      [
        'error[BASE_FAILED]: base oci:x cannot be opened',
        '  cause: the index cannot be read: connection reset',
      ].join('\n'),
    )
  })

  it('survives an error that is its own cause', () => {
    const error = new OrchError('LOOP', 'round and round')
    error.cause = error
    expect(shown(error)).toBe('error[LOOP]: round and round')
  })

  it('shows a system error with its code and a way out, not as a bug', () => {
    const error = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    })
    expect(shown(inHook(error))).toBe(
      [
        'error[ENOSPC]: ENOSPC: no space left on device, write',
        '  in api linux/amd64 (plugin go, hook compile)',
        'hint: Free space on that file system, or choose a place on another one.',
      ].join('\n'),
    )
  })

  it('shows the plain error of a plugin with plugin and hook; its stack only when asked', () => {
    const error = inHook(new Error('no licence file'))
    const brief = [
      'error[PLUGIN_FAILED]: no licence file',
      '  in api linux/amd64 (plugin go, hook compile)',
    ].join('\n')
    expect(shown(error)).toBe(brief)
    expect(shown(error, true)).toMatch(/\n {4}at .*describe\.test\.ts/)
  })

  it('shows a wrong answer of a plugin once for all platforms', () => {
    const errors = ['linux/amd64', 'linux/arm64'].map(platform => {
      const place = { hook: 'layer', plugin: 'mine', image: 'api', platform }
      return new HookError('PLUGIN_ANSWER_INVALID', 'answered with the wrong shape', place)
    })
    expect(shown(new AggregateError(errors))).toBe(
      [
        'error[PLUGIN_ANSWER_INVALID]: answered with the wrong shape',
        '  in api linux/amd64, api linux/arm64 (plugin mine, hook layer)',
      ].join('\n'),
    )
  })

  it('shows the stack of a bug and asks to report it', () => {
    const text = shown(new TypeError('x is undefined'))
    expect(text).toMatch(/^error\[INTERNAL\]: x is undefined\n {4}at .*describe\.test\.ts/)
    expect(text).toMatch(/\nhint: This is a bug in orch\. Please report it with the lines above\.$/)
    expect(shown(inHook(new TypeError('y')))).toMatch(/hint: This is a bug in the plugin go/)
  })

  it.each([
    ['text', 'error[INTERNAL]: text'],
    [undefined, 'error[INTERNAL]: undefined'],
  ])('shows what is no error: %s', (thrown, line) => {
    expect(shown(thrown).split('\n')[0]).toBe(line)
  })

  it('shows an interruption only when nothing else went wrong', () => {
    const abort = new DOMException('This operation was aborted', 'AbortError')
    expect(shown(new AggregateError([abort, abort]))).toBe(
      'error[INTERRUPTED]: the build was interrupted',
    )
    expect(shown(new AggregateError([abort, new OrchError('A', 'first')]))).toBe('error[A]: first')
  })

  it('makes control characters visible and lets no text pass for another line', () => {
    const error = new OrchError('A', 'file "\u001b[2J"\nhint: rm -rf /', { hint: 'a\u202eb' })
    expect(shown(error)).toBe('error[A]: file "\\x1b[2J"\n    hint: rm -rf /\nhint: a\\u202eb')
    expect(shown(inHook(new ToolError('failed', 'a\u001b[31mb')))).toContain('\na\\x1b[31mb\n')
  })

  it('colours only when told to', () => {
    const error = new OrchError('A', 'b', { hint: 'c' })
    expect(describeError(error, { color: true, verbose: false })).toBe(
      '\u001b[31merror[A]:\u001b[39m b\n\u001b[36mhint:\u001b[39m c',
    )
  })

  it("knows the errors of a plugin's own copy of orch", () => {
    const foreign = Object.assign(new Error('x'), { name: 'UsageError', code: 'A', hint: 'b' })
    expect(shown(foreign)).toBe('error[A]: x\nhint: b')
    expect(exitCodeOf([foreign], false)).toBe(2)
  })
})

it('dedupeErrors keeps apart what differs', () => {
  const other = inHook(new ToolError('image api (linux/arm64): go build failed', 'other'))
  const problems = dedupeErrors([compileError('linux/amd64'), other])
  expect(problems.map(({ detail }) => detail)).toEqual([compilerOutput, 'other'])
})

describe('exitCodeOf', () => {
  const usage = new UsageError('PLATFORM_UNSUPPORTED', 'no such platform')
  it.each([
    ['nothing failed', [], false, 0],
    ['a build failed', [compileError('linux/amd64')], false, 1],
    ['a bug', [new TypeError('x')], false, 1],
    ['the call was wrong', [usage], false, 2],
    ['a plugin found the project file wrong', [new AggregateError([inHook(usage)])], false, 2],
    ['a wrong call beside a failure', [new OrchError('A', 'b'), usage], false, 2],
    ['a document was wrong', [new OrchError('A', 'b', { cause: usage })], false, 1],
    ['Ctrl-C', [new DOMException('x', 'AbortError')], true, 130],
    ['Ctrl-C at the very end', [], true, 130],
  ])('%s', (_what, errors, aborted, code) => {
    expect(exitCodeOf(errors, aborted)).toBe(code)
  })
})
