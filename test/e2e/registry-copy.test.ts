import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { startContainerd } from '../kit/containerd.ts'
import { exec, orch, run } from '../kit/exec.ts'
import { type Registry, startRegistry } from '../kit/registry.ts'
import { eachRegistry, needs } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { toolProgram } from '../kit/tools.ts'
import { helloProject } from './projects.ts'
import { copied, exportsOf, looked, refused, said } from './pushing.ts'

eachRegistry(
  'crane',
  'regctl',
  'skopeo',
)('orch copy and registries', version => {
  let registry: Registry
  let folder = ''
  let source = ''
  let digest = ''
  const at = (name: string): string => `docker://${registry.host}/${name}`
  beforeAll(async () => {
    registry = await startRegistry({ version })
    folder = await helloProject()
    digest = (await said('-C', folder, 'build', '--progress', 'quiet')).split('@')[1] ?? ''
    source = `oci:${join(folder, 'dist/oci')}:example.com/hello:dev`
  })

  it('goes there and back byte for byte, from and to layouts and archives', async () => {
    const { details, ...there } = await copied(source, at('there:1'))
    expect(there).toMatchObject({ digest, location: `${registry.host}/there:1` })
    expect(details).toMatchObject({ sent: { blobs: 5 }, platforms: ['linux/amd64', 'linux/arm64'] })
    expect(await looked(registry, there.location)).toBe(digest)
    const back = join(await tempFolder('back'), 'oci')
    expect(await copied(at('there:1'), `oci:${back}`)).toMatchObject({
      digest,
      names: [`${registry.host}/there:1`],
    })
    expect(await said('validate', `oci:${back}`)).toContain('valid; 9 blobs')
    const archive = join(await tempFolder('back'), 'x.tar')
    await copied(`${registry.host}/there@${digest}`, `oci-archive:${archive}:example.com/x:1`)
    expect(await copied(`oci-archive:${archive}`, at('from/archive:1'))).toMatchObject({ digest })
  })

  it('goes from one repository to another without moving a blob', async () => {
    await copied(source, at('first:1'))
    const { details } = await copied(at('first:1'), at('second:1'))
    expect(details).toMatchObject({ sent: { blobs: 0 }, mounted: { blobs: 5 } })
  })

  it('takes some platforms, in an index of their own', async () => {
    await copied(source, at('all:1'))
    const some = await copied('--platform', 'linux/arm64', at('all:1'), at('some:1'))
    expect(some.digest).not.toBe(digest)
    expect(some.details.platforms).toEqual(['linux/arm64'])
    expect(await looked(registry, some.location)).toBe(some.digest)
    expect(await said('digest', '--platform', 'linux/arm64', at('some:1'))).toBe(
      await said('digest', '--platform', 'linux/arm64', at('all:1')),
    )
  })

  it('writes several tags, or none', async () => {
    const tags = await copied(source, `${at('tags')},"tags=1,1.2,latest"`)
    expect(tags.names).toEqual(['1', '1.2', 'latest'].map(tag => `${registry.host}/tags:${tag}`))
    expect((await said('ls', `${registry.host}/tags`)).split('\n').sort()).toEqual([
      '1',
      '1.2',
      'latest',
    ])
    const bare = await copied(source, `${at('bare')},push-by-digest=true`)
    expect(bare.location).toBe(`${registry.host}/bare@${digest}`)
    expect(await said('digest', bare.location)).toBe(digest)
    const tag = await exec(toolProgram('crane'), ['digest', `${registry.host}/bare`], registry)
    expect(tag.exitCode).not.toBe(0)
  })

  it("gives it Docker's media types, other compression and annotations when asked to", async () => {
    const docker = await copied(source, `${at('docker:1')},oci-mediatypes=false`)
    expect(await looked(registry, docker.location)).toBe(docker.digest)
    const list = await said('inspect', docker.location)
    expect(list).toContain('application/vnd.docker.distribution.manifest.list.v2+json')
    expect(list).not.toContain('vnd.oci')
    const back = await copied(at('docker:1'), `${at('oci:1')},oci-mediatypes=true`)
    expect(back.digest).toBe(digest)

    const zstd = await copied(source, `${at('zstd:1')},compression=zstd,compression-level=5`)
    expect(await said('inspect', zstd.location)).not.toContain('tar+gzip')
    expect(await said('validate', zstd.location)).toContain('valid; 8 blobs')
    const again = await copied(source, `${at('zstd:2')},compression=zstd,compression-level=5`)
    expect(again).toMatchObject({ digest: zstd.digest, details: { sent: { blobs: 0 } } })

    const annotated = await copied(
      source,
      `${at('annotated:1')},annotation-index.a=1,annotation[linux/arm64].b=2`,
    )
    const text = await said('inspect', '--json', annotated.location)
    const tree = JSON.parse(text) as { annotations: object; children: { annotations?: object }[] }
    expect(tree.annotations).toMatchObject({ a: '1' })
    expect(tree.children.map(({ annotations }) => annotations)).toMatchObject([
      expect.not.objectContaining({ b: '2' }),
      { b: '2' },
    ])
    expect(await looked(registry, annotated.location)).toBe(annotated.digest)
  })

  it('takes along what refers to it, with --referrers', async () => {
    await copied(source, at('subject:1'))
    const subject = `${registry.host}/subject:1`
    const artifact = ['artifact', 'put', '--artifact-type', 'application/example.sbom']
    const put = [...artifact, '--format', '{{ .Manifest.GetDescriptor.Digest }}']
    const regctl = toolProgram('regctl')
    const { env } = registry
    const sbom = await run(regctl, [...put, '--subject', subject], { env, input: 'sbom' })
    const manifest = ['--subject', subject, '--platform', 'linux/arm64']
    await run(regctl, [...put, ...manifest], { env, input: 'other' })
    const about = ['--subject', `${registry.host}/subject@${sbom.trim()}`]
    await run(regctl, [...put, ...about], { env, input: 'signature' })

    const { details } = await copied('--referrers', at('subject:1'), at('copy:1'))
    expect(details.referrers).toBe(3)
    const list = ['artifact', 'list', `${registry.host}/copy:1`, '--format']
    const found = await run(regctl, [...list, '{{ json .Descriptors }}'], { env })
    expect(JSON.parse(found)).toMatchObject([{ digest: sbom.trim() }])
    const without = await copied(at('subject:1'), at('plain:1'))
    expect(without.details.referrers).toBeUndefined()
  })

  it('says what cannot be', async () => {
    const layout = `oci:${join(await tempFolder('out'), 'oci')}`
    expect(await refused(2, 'copy', '--referrers', source, layout)).toContain('DESTINATION_OPTION')
    expect(await refused(2, 'copy', '--referrers', source, at('x:1'))).toContain(
      'REFERRERS_UNKNOWN',
    )
    expect(await refused(1, 'copy', at('nowhere:1'), layout)).toContain('REGISTRY_NOT_FOUND')
    expect(
      await refused(2, 'copy', source, `${at('x:1')},annotation-index-descriptor.a=b`),
    ).toContain('annotation-index-descriptor')
    expect(await refused(1, 'copy', source, `${at('x:1')},annotation[linux/s390x].a=b`)).toContain(
      'PLATFORM_MISSING',
    )
    expect(await refused(2, 'copy', source, `${at('x:1')},anotation.a=b`)).toContain('anotation.a')
    expect(await refused(2, 'copy', source, 'docker://')).toContain('DESTINATION_INVALID')
    expect(await refused(1, 'digest', at('x:1'))).toContain('REGISTRY_NOT_FOUND')
  })

  it('writes nothing when a blob is missing', async () => {
    const archive = join(await tempFolder('incomplete'), 'oci')
    await copied(source, `oci:${archive}`)
    const tree = JSON.parse(await said('inspect', '--json', `oci:${archive}`)) as {
      children: { children: { children: { digest: string }[] }[] }[]
    }
    const layer = tree.children[0]?.children[0]?.children[1]?.digest ?? 'none'
    await rm(join(archive, 'blobs', layer.replace(':', '/')))
    expect(await refused(1, 'copy', `oci:${archive}`, at('incomplete:1'))).toContain(layer)
    expect(await refused(1, 'ls', `${registry.host}/incomplete`)).toContain('REGISTRY_NOT_FOUND')
  })
})

needs('registry', 'containerd2')('between registries and containerd', () => {
  it('an image goes there and back whole', async () => {
    const registry = await startRegistry()
    const folder = await helloProject()
    const daemon = await startContainerd({ version: '2' })
    const env = { CONTAINERD_ADDRESS: daemon.address, CONTAINERD_NAMESPACE: daemon.namespace }
    const to = `registry,repository=${registry.host}/team`
    const [built] = exportsOf(
      await orch(['-C', folder, 'build', '--json', '--export', to], { env }),
    )
    const name = `${registry.host}/team/hello:dev`
    const load = ['copy', '--json', name, 'containerd:example.com/hello:1']
    const [loaded] = exportsOf(await orch(load, { env }))
    expect(loaded?.digest).toBe(built?.digest)
    const back = [
      'copy',
      '--json',
      'containerd:example.com/hello:1',
      `docker://${registry.host}/b:1`,
    ]
    const [pushed] = exportsOf(await orch(back, { env }))
    expect(pushed?.digest).toBe(built?.digest)
    expect(pushed?.details).toMatchObject({ sent: { blobs: 0 }, mounted: { blobs: 5 } })
  })
})
