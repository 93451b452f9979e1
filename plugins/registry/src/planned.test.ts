import type { PlannedExport } from '@orch/core'
import { describe, expect, it } from 'vitest'
import type { RegistryExportOptions } from './options.ts'
import { checkPushes } from './planned.ts'

const plain = { naming: 'name', pushByDigest: false }

function push(
  image: string,
  reference: string,
  options: Partial<RegistryExportOptions> = {},
  destination = false,
): PlannedExport {
  const references = [reference]
  const plan = { exporter: 'registry', options: { ...plain, ...options } }
  return { image, references, plan: destination ? { ...plan, references } : plan }
}

/** What is said of pushes, by code and message. */
function said(exports: readonly PlannedExport[], offline = false): string {
  try {
    checkPushes(exports, { offline })
  } catch (error) {
    const { name, code, message } = error as Error & { code: string }
    return `${name} ${code} ${message}`
  }
  return ''
}

describe('all pushes of a run', () => {
  it('have names of their own', () => {
    const bare = { repository: 'h.example/one', naming: 'bare' } as const
    expect(said([push('a', 'x:1', bare), push('a', 'x:1', bare), push('b', 'x:2', bare)])).toBe('')
    expect(said([push('a', 'x:1', bare), push('b', 'h.example/one:1')])).toBe(
      'UsageError NAME_TAKEN images a and b would both be h.example/one:1',
    )
    // Another run may move a tag.
    expect(said([push('b', 'h.example/one:1')])).toBe('')
    const untagged = { ...bare, pushByDigest: true }
    expect(said([push('a', 'x:1', untagged), push('b', 'x:1', untagged)])).toBe('')
    const elsewhere = { exporter: 'layout', options: {} }
    expect(said([push('a', 'x:1'), { image: 'b', references: ['x:1'], plan: elsewhere }])).toBe('')
  })

  it('do not drop what a destination names', () => {
    const to = (reference: string, options: Partial<RegistryExportOptions>): string =>
      said([push('a', reference, options, true)])
    expect(to('h.example/z:q', { repository: 'h.example/else' })).toMatch(/UsageError NAME_TWICE/)
    expect(to('h.example/z:q', { tags: ['1'] })).toMatch(/NAME_TWICE .*tags=1/)
    expect(to('h.example/z:q', { pushByDigest: true })).toMatch(/UsageError EXPORT_INVALID .*z:q/)
    expect(to('h.example/z:latest', { pushByDigest: true })).toBe('')
    expect(to('h.example/z:latest', { tags: ['1'] })).toBe('')
    expect(said([push('a', 'h.example/z:q', { pushByDigest: true })])).toBe('')
  })

  it('do not begin without the network', () => {
    expect(said([push('a', 'x:1')], true)).toMatch(/^OrchError OFFLINE/)
    const elsewhere = { exporter: 'layout', options: {} }
    expect(said([{ image: 'a', references: [], plan: elsewhere }], true)).toBe('')
  })
})
