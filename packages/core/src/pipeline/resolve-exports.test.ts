import { UsageError } from '@orch/oci'
import { expect, it } from 'vitest'
import { imagePlan, planOf, plugin, testOrch, textBuilder } from '../test-plugin.ts'
import type { PlannedExport } from '../types/build.ts'
import type { Plugin } from '../types/plugin.ts'

/** Writes nowhere, notes what it is handed, and refuses what `refused` says. */
function writer(calls: string[], refused?: Error): Plugin {
  return plugin('writer', ({ hooks }) => {
    hooks.exportsResolved.tap('writer', exports => {
      calls.push(exports.map(shown).join(', '))
      if (refused !== undefined) throw refused
    })
    hooks.compile.tap('writer', ({ image }) => void calls.push(`compile ${image.name}`))
    hooks.export.for('x').tap('writer', ({ name, root }) => {
      calls.push(`export ${name}`)
      const { digest } = root
      return { exporter: 'x', image: name, digest, location: name, names: [] }
    })
  })
}

function shown({ image, references, plan }: PlannedExport): string {
  return `${image} as ${references.join(' ')} to ${plan.exporter}`
}

const one = { platforms: ['linux/amd64'] }
const images = [
  imagePlan({ name: 'a', tags: ['a:1', 'a:2'], ...one }),
  imagePlan({ name: 'b', tags: ['b:1'], ...one }),
]

it('shows every export of a run before anything is built', async () => {
  const calls: string[] = []
  await using orch = await testOrch([writer(calls), textBuilder()])
  const plan = planOf(images, ['x'])
  const exports = [...plan.exports, { exporter: 'x', options: {}, references: ['c:1'] }]
  expect(await orch.build({ ...plan, exports })).toMatchObject({ ok: true })
  expect(calls[0]).toBe('a as a:1 a:2 to x, b as b:1 to x, a as c:1 to x, b as c:1 to x')
  expect(calls).toHaveLength(7)
})

it('builds and writes nothing when an export is refused', async () => {
  const calls: string[] = []
  const refused = new UsageError('NAME_TAKEN', 'both are x')
  const built = await (async () => {
    await using orch = await testOrch([textBuilder()])
    return orch.build(planOf(images))
  })()
  await using orch = await testOrch([writer(calls, refused), textBuilder()])
  const plan = planOf(images, ['x'])
  const { ok, errors } = await orch.build(plan)
  expect(errors).toMatchObject([{ code: 'NAME_TAKEN', cause: refused }])
  expect(ok).toBe(false)
  const there = built.images.flatMap(({ image }) => image ?? [])
  expect(await orch.export(there, plan.exports)).toMatchObject(
    there.map(() => ({ results: [], errors: [{ code: 'NAME_TAKEN' }] })),
  )
  expect(calls).toHaveLength(2)
})
