import { blobFromBytes, type ImageSource, mediaTypes } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { baseSource, imagePlan, planOf, plugin, testOrch, textBuilder } from './test-plugin.ts'
import type { Plugin } from './types/plugin.ts'

/** A source whose root is a blob with this text. */
function rootOf(text: string): ImageSource {
  const blob = blobFromBytes(Buffer.from(text), mediaTypes.octets)
  return { root: blob.descriptor, content: { blob: async () => blob } }
}

describe('what goes wrong', () => {
  const fails = (when: string): Plugin =>
    plugin('fails', ({ hooks }) => {
      hooks.compile.tap('fails', (_target, { platformName }) => {
        if (platformName === when) throw new Error(`no ${when}`)
        return undefined
      })
    })

  it('in one platform is told, and other images are still built and exported', async () => {
    const sink = plugin('sink', ({ hooks }) => {
      hooks.export.for('sink').tapPromise('sink', async image => {
        const { name, root } = image
        return { exporter: 'sink', image: name, digest: root.digest, location: '/', names: [] }
      })
    })
    await using orch = await testOrch([fails('linux/s390x'), sink, textBuilder()])
    const bad = imagePlan({ name: 'bad', platforms: ['linux/amd64', 'linux/s390x'] })
    const { images, ok } = await orch.build(planOf([bad, imagePlan()], ['sink']))
    expect(ok).toBe(false)
    expect(images.map(image => image.exports.length)).toEqual([0, 1])
    expect(images[0]?.errors.map(error => error.message)).toEqual([
      'plugin fails, hook compile, bad linux/s390x: no linux/s390x',
    ])
  })

  it('in one exporter does not stop the others', async () => {
    const sinks = plugin('sinks', ({ hooks }) => {
      hooks.export.for('leaky').tap('sinks', () => {
        throw new Error('it leaks')
      })
      hooks.export.for('sound').tap('sinks', image => {
        const { name, root } = image
        return { exporter: 'sound', image: name, digest: root.digest, location: '/', names: [] }
      })
    })
    await using orch = await testOrch([sinks, textBuilder()])
    const { images } = await orch.build(planOf([imagePlan()], ['leaky', 'sound', 'absent']))
    expect(images[0]?.exports.map(item => item.exporter)).toEqual(['sound'])
    expect(images[0]?.errors.map(error => error.message)).toEqual([
      'plugin sinks, hook export.leaky, app: it leaks',
      'no plugin took the export to "absent"',
    ])
  })

  it('is told for an image that was not built here, too', async () => {
    const sink = plugin('sink', ({ hooks }) => {
      hooks.export.for('sink').tap('sink', ({ name, root, references }) => {
        return {
          exporter: 'sink',
          image: name,
          digest: root.digest,
          location: '/',
          names: references,
        }
      })
    })
    await using orch = await testOrch([baseSource(), sink])
    const image = { ...(await orch.open('base:')), name: 'copy', references: ['copy:1'] }
    const exports = ['sink', 'absent'].map(exporter => ({ exporter, options: {} }))
    const other = { ...image, name: 'other', references: ['other:1'] }
    const [first, second] = await orch.export([image, other], exports)
    const { digest } = image.root
    expect(first?.results).toMatchObject([{ image: 'copy', digest, names: ['copy:1'] }])
    expect(first?.errors).toMatchObject([{ code: 'EXPORTER_MISSING' }])
    expect(second?.results).toMatchObject([{ image: 'other', names: ['other:1'] }])
    expect(orch.said.filter(event => event.type === 'build.start')).toMatchObject([
      { images: ['copy', 'other'], exports: ['sink', 'absent'] },
    ])
    expect(orch.said.at(-1)).toMatchObject({ type: 'build.done', ok: false })
  })

  it('in one of two exports by one exporter is told with what tells them apart', async () => {
    const sink = plugin('sink', ({ hooks }) => {
      hooks.export.for('sink').tap('sink', ({ name, root, references }, { options }) => {
        const { address = '' } = options as { address?: string }
        if (address === '/b') throw new Error('gone')
        const details = { address, sent: 1 }
        const at = { exporter: 'sink', image: name, digest: root.digest, location: address }
        return { ...at, names: references, details }
      })
    })
    await using orch = await testOrch([baseSource(), sink])
    const image = { ...(await orch.open('base:')), name: 'copy', references: ['copy:1'] }
    const [exported] = await orch.export(
      [image],
      [
        { exporter: 'sink', options: { address: '/a', deep: 1 }, references: ['there:1'] },
        { exporter: 'sink', options: { address: '/b', deep: 1 } },
      ],
    )
    expect(exported?.results).toMatchObject([{ names: ['there:1'], details: { address: '/a' } }])
    expect(orch.said.filter(event => event.type === 'export.failed')).toMatchObject([
      { exporter: 'sink', place: '/b' },
    ])
    expect(orch.said.filter(event => event.type === 'export.done')).toMatchObject([
      { result: { exporter: 'sink' }, place: '/a' },
    ])
  })

  it.each([{ when: new Date(0) }, { size: Number.NaN }, ['a list']])(
    'is an answer whose details cannot be shown: %o',
    async details => {
      const sink = plugin('sink', ({ hooks }) => {
        hooks.export.for('sink').tap('sink', ({ name, root }) => {
          const at = {
            exporter: 'sink',
            image: name,
            digest: root.digest,
            location: '/',
            names: [],
          }
          return { ...at, details: details as never }
        })
      })
      await using orch = await testOrch([sink, textBuilder()])
      const { images } = await orch.build(planOf([imagePlan()], ['sink']))
      expect(images[0]?.errors).toMatchObject([{ code: 'PLUGIN_ANSWER_INVALID' }])
      expect(images[0]?.errors[0]?.message).toContain('details is no map of plain data')
    },
  )

  it('in a tap of done is told, and the result is not lost', async () => {
    const late = plugin('late', ({ hooks }) => {
      hooks.done.tap('late', () => {
        throw new Error('too late')
      })
    })
    await using orch = await testOrch([late, textBuilder()])
    const { images, errors, ok } = await orch.build(planOf([imagePlan()]))
    expect(ok).toBe(false)
    expect(images[0]?.image?.root.digest).toMatch(/^sha256:/)
    expect(errors.map(error => error.message)).toEqual(['plugin late, hook done: too late'])
  })

  it('in a tap of configResolved ends the build before it began', async () => {
    const calls: string[] = []
    const early = plugin('early', ({ hooks }) => {
      hooks.configResolved.tap('early', () => {
        throw new Error('too early')
      })
      hooks.failed.tap('early', () => void calls.push('failed'))
    })
    await using orch = await testOrch([early, textBuilder()])
    expect(await orch.build(planOf([imagePlan()]))).toMatchObject({ ok: false, images: [] })
    expect(calls).toEqual(['failed'])
  })

  it('in one source that closes does not keep the others open', async () => {
    const closed: string[] = []
    const media = plugin(
      'media',
      ({ hooks }) => {
        hooks.source.tapPromise('media', async ({ rest }) => {
          const { root, content } = rootOf(rest)
          const close = async (): Promise<void> => {
            closed.push(rest)
            if (rest === 'aa') throw new Error('stuck')
          }
          return { root, content, close }
        })
        hooks.shutdown.tap('media', () => void closed.push('shutdown'))
      },
      { sources: ['m'] },
    )
    const orch = await testOrch([media])
    await orch.open('m:aa')
    await orch.open('m:bb')
    await expect(orch.close()).rejects.toThrow('closing failed')
    expect(closed).toEqual(['aa', 'bb', 'shutdown'])
  })

  it('calls failed or done, and shutdown in the end', async () => {
    const calls: string[] = []
    const watch = plugin('watch', ({ hooks }) => {
      hooks.configResolved.tap('watch', () => void calls.push('configResolved'))
      hooks.done.tap('watch', () => void calls.push('done'))
      hooks.failed.tap('watch', () => void calls.push('failed'))
      hooks.shutdown.tap('watch', () => void calls.push('shutdown'))
    })
    {
      await using orch = await testOrch([watch, textBuilder()])
      await orch.build(planOf([imagePlan()]))
      await orch.build(planOf([imagePlan({ build: { builder: 'none', options: {} } })]))
    }
    expect(calls).toEqual(['configResolved', 'done', 'configResolved', 'failed', 'shutdown'])
  })

  it('is an unknown source', async () => {
    await using orch = await testOrch([baseSource()])
    await expect(orch.open('nowhere:x')).rejects.toMatchObject({ code: 'SOURCE_UNKNOWN' })
  })
})
