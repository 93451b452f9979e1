import type { Plugin, Runtime } from '@orch/core'
import { UsageError } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { chooseRuntime, runtimeNames } from './runtime.ts'

function plugin(name: string, look: () => Promise<Runtime>): Plugin {
  return { name, runtimes: { [name]: look }, setup() {} }
}
const there = (name: string, chosen = false): Plugin =>
  plugin(name, async () => ({ found: true, where: `${name} at /run/${name}`, chosen }))
const absent = (name: string, chosen = false): Plugin =>
  plugin(name, async () => ({ found: false, why: `${name}: no socket`, chosen }))

describe('the runtime to load into', () => {
  it('is the first that is there, and the others are told', async () => {
    expect(await chooseRuntime([absent('a'), there('b'), there('c')], {})).toEqual({
      exporter: 'b',
      notes: [
        'loading into b at /run/b',
        'not there: a: no socket',
        'also there: c at /run/c; choose it with --to c',
      ],
    })
  })

  it('is the one that the environment names, before others', async () => {
    expect(await chooseRuntime([there('b'), there('c', true)], {})).toMatchObject({ exporter: 'c' })
  })

  it('is no other when the one that the environment names is not there', async () => {
    await expect(chooseRuntime([there('b'), absent('c', true)], {})).rejects.toMatchObject({
      code: 'RUNTIME_MISSING',
      message: 'the container runtime that the environment names is not there\nc: no socket',
    })
  })

  it('is not looked for any longer once that is ended', async () => {
    const stop = new AbortController()
    const slow: Plugin = {
      name: 'slow',
      runtimes: {
        slow: (_, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(new Error('it broke')))
          }),
      },
      setup() {},
    }
    const chosen = chooseRuntime([slow, there('b')], {}, { signal: stop.signal })
    stop.abort(new Error('interrupted'))
    await expect(chosen).rejects.toThrow('interrupted')
  })

  it('is no other when the environment names one that cannot be: that error stays what it is', async () => {
    const wrong = plugin('a', async () => {
      throw new UsageError('SOME_CODE', 'there is no context Nope')
    })
    await expect(chooseRuntime([wrong, there('b')], {})).rejects.toMatchObject({
      name: 'UsageError',
      code: 'SOME_CODE',
    })
    expect(await chooseRuntime([there('b', true), wrong], {})).toMatchObject({ exporter: 'b' })
  })

  it('is missing when none is there, and one that cannot be looked for is told', async () => {
    const broken = plugin('broken', async () => {
      throw new Error('no such thing')
    })
    const silent = plugin('silent', async () => undefined as never)
    await expect(chooseRuntime([absent('a'), broken, silent], {})).rejects.toMatchObject({
      code: 'RUNTIME_MISSING',
      message: [
        'no container runtime is there to load into',
        'a: no socket',
        'broken: no such thing',
        'silent: its plugin gave no answer',
      ].join('\n'),
    })
  })

  it('may be any that a plugin knows', () => {
    expect(runtimeNames([there('a'), { name: 'x', setup() {} }, absent('b')])).toEqual(['a', 'b'])
  })
})
