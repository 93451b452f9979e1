import { digestOf, OrchError } from '@orch/oci'
import { expect, it } from 'vitest'
import { testImage } from '../../../../packages/oci/src/graph/test-image.ts'
import { engineImage, fakeEngine, requestOf } from './fake-engine.ts'
import { giveNames, type Naming } from './naming.ts'

const id = digestOf('new')
const old = digestOf('old')
const wrong = ({ id }: Naming, found: { id: string } | undefined): string | undefined =>
  found?.id === id ? undefined : 'it is another'

it.each(['refuses', 'does not do'])(
  'when an engine %s one of several, every name goes back to the image that had it',
  async how => {
    const engine = fakeEngine('containerd', () => {})
    for (const one of [id, old]) engine.held.set(one, engineImage({ id: one }))
    await engine.tag(old, 'had:1', new AbortController().signal)
    const { tag } = engine
    engine.tag = async (which, name, signal) => {
      if (name !== 'bad:1') return tag(which, name, signal)
      if (how === 'refuses') throw new OrchError('DOCKER_FAILED', 'no such name')
      return true
    }
    const { request } = await requestOf(engine, await testImage())
    const namings = ['had:1', 'none:1', 'bad:1', 'more:1'].map(name => {
      return { name, id, before: name === 'had:1' ? old : undefined }
    })
    await expect(giveNames(request, namings, wrong)).rejects.toMatchObject({
      code: how === 'refuses' ? 'DOCKER_FAILED' : 'DOCKER_INCOMPLETE',
    })
    const { signal } = request.context
    expect((await engine.inspect('had:1', signal))?.id).toBe(old)
    for (const name of ['none:1', 'bad:1', 'more:1'])
      expect(await engine.inspect(name, signal)).toBeUndefined()
    expect(engine.tagged).not.toContain('more:1')
  },
)
