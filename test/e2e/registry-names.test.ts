import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { type Outcome, orch } from '../kit/exec.ts'
import { type Registry, startRegistry } from '../kit/registry.ts'
import { needs } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'

const one = ['--progress', 'quiet', '--platform', 'linux/amd64']

async function said(...args: readonly string[]): Promise<string> {
  const outcome = await orch(args)
  expect(outcome.exitCode, outcome.stderr).toBe(0)
  return outcome.stdout.trim()
}

async function refused(exitCode: number, ...args: readonly string[]): Promise<string> {
  const outcome = await orch(args)
  expect(outcome, outcome.stderr).toMatchObject({ exitCode, stdout: '' })
  return outcome.stderr
}

needs('registry')('where images go in a registry', () => {
  let registry: Registry
  /** Two images whose builds would fail. */
  let folder = ''
  const build = (...args: readonly string[]): Promise<Outcome> =>
    orch(['-C', folder, 'build', '--progress', 'plain', ...args])
  beforeAll(async () => {
    registry = await startRegistry()
    folder = await tempFolder('names')
    const image = (tag: string): string => `{build: {go: ./none}, tags: ["${tag}"]}`
    const images = `  a: ${image('example.com/x:1')}\n  b: ${image('example.org/x:1')}\n`
    await writeFile(join(folder, 'orch.yaml'), `images:\n${images}`)
  })

  it.each([
    ['NAME_TAKEN', 'repository=HOST/one,naming=bare'],
    ['NAME_TAKEN', 'repository=HOST/one,naming=path'],
    ['EXPORT_INVALID', 'repository=HOST/One'],
    ['names no repository', 'repository=HOST'],
    ['it needs `repository` beside it', 'naming=path'],
    ['there are none with `push-by-digest`', 'repository=HOST/x,push-by-digest=true,tags=x'],
    ['keeps no descriptor', 'repository=HOST/x,annotation-index-descriptor.a=b'],
  ])('is looked at before anything is built: %s for %s', async (what, options) => {
    const outcome = await build('--export', `registry,${options.replace('HOST', registry.host)}`)
    expect(outcome.exitCode, outcome.stderr).toBe(2)
    expect(outcome.stderr).toContain(what)
    expect(outcome.stderr).not.toContain('resolvePlatforms')
  })

  it('is not asked for offline, and nothing is built for it', async () => {
    const outcome = await build('--offline', '--export', `registry,repository=${registry.host}/x`)
    expect(outcome.exitCode, outcome.stderr).toBe(1)
    expect(outcome.stderr).toMatch(/error\[OFFLINE\]: a push .*\n.*\n?hint: Leave out --offline/)
    expect(outcome.stderr).not.toContain('resolvePlatforms')
  })

  it('is what a destination says, all of it, or the copy is refused', async () => {
    const to = (place: string): string => `docker://${registry.host}/${place}`
    const wrong: readonly (readonly [string, string])[] = [
      [to('z:q,push-by-digest=true'), 'EXPORT_INVALID'],
      [to(`z:q,repository=${registry.host}/else`), 'NAME_TWICE'],
      [to('z:q,tags=x'), 'NAME_TWICE'],
      [`docker://${registry.host}`, 'DESTINATION_INVALID'],
      [`${registry.host}/z:q`, `docker://${registry.host}/z:q`],
    ]
    for (const [place, what] of wrong)
      expect(await refused(2, 'copy', ...one, 'static', place)).toContain(what)
    expect(await refused(1, 'ls', `${registry.host}/z`)).toContain('REGISTRY_NOT_FOUND')
    expect(await said('copy', ...one, 'static', to('z,push-by-digest=true'))).toMatch(/z@sha256:/)
    expect(await refused(2, 'digest', registry.host)).toContain('names no repository')
  })

  it('is one name for one image', async () => {
    const layout = `oci:${join(await tempFolder('two'), 'oci')}`
    await said('copy', ...one, 'static', `${layout}:example.com/a:1`)
    const other = ['--progress', 'quiet', '--platform', 'linux/arm64']
    await said('copy', ...other, 'static', `${layout}:example.com/b:1`)
    const to = `registry,repository=${registry.host}/both,naming=bare`
    const why = await refused(2, 'copy', '--progress', 'quiet', layout, to)
    expect(why).toContain(`images a and b would both be ${registry.host}/both:1`)
    expect(await refused(1, 'ls', `${registry.host}/both`)).toContain('REGISTRY_NOT_FOUND')
  })

  it('is insecure as an option and behind a comma, everywhere', async () => {
    const tls = await startRegistry({ tls: true })
    const name = `${tls.host}/x:1`
    const marked = `${name},insecure=true`
    await said('copy', ...one, '--insecure', 'static', `docker://${name}`)
    const digest = await said('digest', marked)
    expect(await said('digest', '--insecure', name)).toBe(digest)
    for (const command of ['inspect', 'validate'])
      expect(await said(command, '--insecure', name)).toMatch(/valid|index/)
    const out = `oci:${join(await tempFolder('out'), 'oci')}`
    expect(await said('copy', '--insecure', '--progress', 'quiet', name, out)).toContain(digest)
    expect(await said('tag', marked, '2')).toContain(`:2@${digest}`)
    expect(await said('ls', `${tls.host}/x,insecure=true`)).toContain('2')
    for (const args of [
      ['digest', name],
      ['tag', name, '3'],
      ['ls', `${tls.host}/x`],
    ])
      expect(await refused(1, ...args)).toContain('REGISTRY_TLS')
    expect(await refused(2, 'digest', '--insecure', out)).toContain('SOURCE_OPTION')
    expect(await refused(2, 'copy', '--insecure', 'static', out)).toContain('DESTINATION_OPTION')
  })
})
