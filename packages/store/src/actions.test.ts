import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Json } from '@orch/oci'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Action, type ActionOutcome, openStore, type Store } from './index.ts'
import { filesBelow, opened, put, temporaryFolder } from './testing.ts'

/** Compiles `source`, and counts how often that really ran. */
function compiler(): { runs: number; compile(store: Store, source: Json): Promise<ActionOutcome> } {
  const self = {
    runs: 0,
    compile: (store: Store, source: Json): Promise<ActionOutcome> =>
      store.action({ kind: 'compile', inputs: { source } }, async () => {
        self.runs += 1
        const blob = await put(store, `binary of ${JSON.stringify(source)}`)
        return { blobs: [blob.descriptor], data: { entrypoint: '/app' } }
      }),
  }
  return self
}

/** A store in which one action was done and remembered; the path of its record. */
async function remembered(): Promise<{ root: string; record: string }> {
  const root = await temporaryFolder()
  const store = await openStore({ root })
  await compiler().compile(store, 'a.go')
  await store.close()
  const record = (await filesBelow(join(root, 'v1/actions'))).find(path => path.endsWith('.json'))
  return { root, record: join(root, 'v1/actions', record ?? '') }
}

describe('an action', () => {
  it('runs once for everyone who asks at the same time', async () => {
    const store = await opened(await temporaryFolder())
    const go = compiler()
    const outcomes = await Promise.all([1, 2, 3].map(() => go.compile(store, 'a.go')))
    expect(go.runs).toBe(1)
    expect(new Set(outcomes.map(({ key }) => key)).size).toBe(1)
    expect(await go.compile(store, 'a.go')).toMatchObject({ hit: true })
  })

  it('is remembered by the next process, with its blobs held', async () => {
    const { root } = await remembered()
    const go = compiler()
    const outcome = await go.compile(await opened(root), 'a.go')
    expect(go.runs).toBe(0)
    expect(outcome).toMatchObject({ hit: true, data: { entrypoint: '/app' } })
    expect(outcome.held.map(({ descriptor }) => descriptor)).toEqual(outcome.blobs)
    expect(await readFile(outcome.held[0]?.path ?? '', 'utf8')).toBe('binary of "a.go"')
  })

  it('is another one with other inputs or another kind, whatever the order of keys', async () => {
    const store = await opened(await temporaryFolder())
    const key = async (action: Action): Promise<string> =>
      (await store.action(action, async () => ({ blobs: [], data: null }))).key
    const one = await key({ kind: 'a', inputs: { x: 1, y: 2 } })
    expect(await key({ kind: 'a', inputs: { y: 2, x: 1 } })).toBe(one)
    expect(await key({ kind: 'a', inputs: { x: 1, y: 3 } })).not.toBe(one)
    expect(await key({ kind: 'b', inputs: { x: 1, y: 2 } })).not.toBe(one)
  })

  it('is not remembered when it failed', async () => {
    const store = await opened(await temporaryFolder())
    const action = { kind: 'compile', inputs: 'a.go' }
    const failing = store.action(action, () => Promise.reject(new Error('syntax error')))
    await expect(failing).rejects.toThrow('syntax error')
    const outcome = await store.action(action, async () => ({ blobs: [], data: 1 }))
    expect(outcome).toMatchObject({ hit: false, data: 1 })
  })

  it('must leave the blobs that it names', async () => {
    const [root, elsewhere] = [await temporaryFolder(), await temporaryFolder()]
    const foreign = await put(await opened(elsewhere), 'not here')
    const run = async () => ({ blobs: [foreign.descriptor], data: null })
    const store = await opened(root)
    await expect(store.action({ kind: 'compile', inputs: 1 }, run)).rejects.toMatchObject({
      code: 'ACTION_INCOMPLETE',
    })
    expect((await filesBelow(root)).filter(path => path.endsWith('.json'))).toEqual([])
  })
})

describe('a damaged record', () => {
  it.each<[string, (record: string) => Promise<void>]>([
    ['empty', path => truncate(path)],
    ['cut off', async path => truncate(path, (await readFile(path)).length - 10)],
    ['noise', path => writeFile(path, Buffer.from([0xff, 0xfe, 0]))],
    ['another shape', path => writeFile(path, '{"version":1,"blobs":{}}')],
    [
      'changed, and still JSON',
      async path => writeFile(path, (await readFile(path, 'utf8')).replace('/app', '/bad')),
    ],
  ])('that is %s makes the action run again', async (_, damage) => {
    const { root, record } = await remembered()
    const good = await readFile(record, 'utf8')
    await damage(record)
    const go = compiler()
    expect(await go.compile(await opened(root), 'a.go')).toMatchObject({
      hit: false,
      data: { entrypoint: '/app' },
    })
    expect(go.runs).toBe(1)
    expect(await readFile(record, 'utf8')).toBe(good)
  })
})

describe('a remembered action whose blob is', () => {
  it.each<[string, (path: string) => Promise<void>]>([
    ['gone', path => rm(path)],
    ['poisoned', path => writeFile(path, 'binary of "evil"')],
  ])('%s runs again', async (_, damage) => {
    const { root } = await remembered()
    const [blob] = await filesBelow(join(root, 'v1/blobs/sha256'))
    await damage(join(root, 'v1/blobs/sha256', blob ?? ''))
    const go = compiler()
    const store = await openStore({ root })
    onTestFinished(() => store.close())
    const outcome = await go.compile(store, 'a.go')
    expect(outcome.hit).toBe(false)
    expect(await readFile(outcome.held[0]?.path ?? '', 'utf8')).toBe('binary of "a.go"')
  })
})
