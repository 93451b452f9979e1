import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { UsageError } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { goOptions } from './options.ts'
import { type CompileSettings, held, output, project, reason } from './testing.ts'

const files = {
  'go.mod': 'module example.com/m\n\ngo 1.24\n',
  'main.go': 'package main\n\nvar v string\n\nfunc main() { println(v) }\n',
  'lib/lib.go': 'package lib\n',
}

/** Why a build fails: code, message and hint. */
async function failure(
  build: object,
  settings: CompileSettings = {},
): Promise<{ code: string; message: string; hint: string }> {
  const some = await project(files)
  const [result] = await some.compile({ app: { go: '.', ...build } }, settings)
  return reason(result) as Error & { code: string; hint: string }
}

describe('a project file', () => {
  it('may not ask for flags that run programs, and the hint says how to allow it', async () => {
    const build = { flags: ['-toolexec=/tmp/x'] }
    const { code, message, hint } = await failure(build)
    expect(code).toBe('GO_FLAG_REFUSED')
    expect(message).toBe('image app: flags: -toolexec is refused')
    expect(hint).toMatch(/--allow=-toolexec, or all of them with --allow=go-flags/)
  })

  it('runs such flags when the operator allows them, and compiles every time', async () => {
    const some = await project({ ...files, 'wrap.sh': '#!/bin/sh\nexec "$@"\n' })
    const build = { go: '.', flags: ['-toolexec', `/bin/sh ${join(some.root, 'wrap.sh')}`] }
    const allow = ['-toolexec']
    for (const _ of [1, 2]) held((await some.compile({ app: build }, { allow }))[0])
    expect(some.ran().build).toHaveLength(2)
  })

  it('may ask for harmless flags', async () => {
    const some = await project(files)
    const build = {
      go: '.',
      flags: ['-gcflags', '-N -l', '-mod=readonly'],
      ldflags: ['-s', '-w', '-buildid=', "-X 'main.v=a b'"],
      tags: ['a,b', 'c'],
      env: { GOAMD64: 'v1' },
    }
    expect(await output((await some.compile({ app: build }))[0])).toBe('a b')
  })

  it.each([
    { go: '' },
    { go: './...' },
    { go: '-x' },
    { go: 'example.com/m@latest' },
    { go: '.', path: 'app/x' },
    { go: '.', path: '/app/../x' },
    { go: '.', name: 'a/b' },
    { go: '.', tag: ['x'] },
  ])('with build %j does not pass the schema', async build => {
    expect(goOptions.safeParse(build).success).toBe(false)
  })
})

describe('the error', () => {
  it('for a library, a missing package and a forgotten ./ says what to write', async () => {
    expect(await failure({ go: './lib' })).toMatchObject({
      code: 'GO_NOT_MAIN',
      message: 'image app: ./lib is package lib, not package main',
    })
    expect(await failure({ go: './cmd/none' })).toMatchObject({ code: 'GO_PACKAGE_MISSING' })
    expect(await failure({ go: 'lib' })).toMatchObject({
      code: 'GO_PACKAGE_MISSING',
      hint: 'To name the folder, write ./lib.',
    })
    expect(await failure({ go: '..' })).toBeInstanceOf(UsageError)
  })

  it('for a missing folder, a folder without module and a broken go.mod names it', async () => {
    expect(await failure({ dir: 'none' })).toMatchObject({ code: 'GO_DIR_MISSING' })
    expect(await failure({ dir: '..' })).toMatchObject({ code: 'GO_MODULE_MISSING' })
    const some = await project(files)
    await writeFile(join(some.root, 'go.mod'), 'module example.com/m\nnonsense\n')
    const error = reason((await some.compile({ app: { go: '.' } }))[0])
    expect(error.message).toMatch(/go.mod:2: unknown (directive|block type)/)
  })

  it('for a machine without Go says how to get it', async () => {
    expect(await failure({}, { env: { PATH: '/nonexistent' } })).toMatchObject({
      code: 'GO_MISSING',
      message: 'the go command was not found',
    })
  })

  it('for a platform that Go does not have names the nearest', async () => {
    const some = await project(files)
    await expect(
      some.resolve({ go: '.' }, ['linux/amd64', 'linux/arm64/v8']),
    ).resolves.toHaveLength(2)
    await expect(some.resolve({ go: '.' }, ['linux/armm'])).rejects.toMatchObject({
      code: 'PLATFORM_UNSUPPORTED',
      hint: expect.stringMatching(/^Did you mean linux\/arm\? It builds for .*windows\/amd64/),
    })
    await expect(some.resolve({ go: '.' }, ['linux/amd64/v9'])).rejects.toMatchObject({
      code: 'PLATFORM_UNSUPPORTED',
      hint: expect.stringMatching(/v2, v3, v4/),
    })
  })
})

describe('an abort', () => {
  it('ends the compiler and throws its reason', async () => {
    const some = await project({ ...files, 'slow.sh': '#!/bin/sh\nsleep 60\n' })
    const controller = new AbortController()
    const flags = [`-toolexec=/bin/sh ${join(some.root, 'slow.sh')}`]
    const began = Date.now()
    setTimeout(() => controller.abort(new Error('interrupted')), 700)
    const settings = { allow: ['go-flags'], signal: controller.signal }
    const [result] = await some.compile({ app: { go: '.', flags } }, settings)
    expect(reason(result).message).toBe('interrupted')
    expect(Date.now() - began).toBeLessThan(5000)
  })
})

describe('a profile', () => {
  it('is taken from within the module only, and never waited for', async () => {
    const some = await project({ ...files, 'main.pgo': '', '../outside.pgo': '' })
    await promisify(execFile)('mkfifo', [join(some.root, 'pipe')])
    await symlink('../outside.pgo', join(some.root, 'link.pgo'))
    const failed = async (pgo: string, allow: string[] = []) => {
      const [result] = await some.compile({ app: { go: '.', flags: [`-pgo=${pgo}`] } }, { allow })
      return (reason(result) as Error & { code: string }).code
    }
    expect(await failed('link.pgo')).toBe('GO_FLAG_REFUSED')
    expect(await failed('/dev/zero')).toBe('GO_FLAG_REFUSED')
    expect(await failed('pipe')).toBe('GO_FLAG_INVALID')
    expect(await failed('/dev/zero', ['-pgo'])).toBe('GO_FLAG_INVALID')
    await rename(join(some.root, 'pipe'), join(some.root, 'default.pgo'))
    const [result] = await some.compile({ app: { go: '.' } })
    expect(reason(result).message).toMatch(/default.pgo is not a regular file/)
  })
})

describe('a value of the environment', () => {
  it('stands neither in events nor in what go said, but in the program', async () => {
    const some = await project(files)
    const env = { SECRET: "hush hush it's" }
    const ldflags = ['-X main.v={{.Env.SECRET}}']
    const [good] = await some.compile({ app: { go: '.', ldflags } }, { env })
    expect(await output(good)).toBe(env.SECRET)
    const flags = ['-mod={{.Env.SECRET}}']
    const [bad] = await some.compile({ app: { go: '.', flags } }, { env })
    expect(reason(bad).message).toContain('***')
    expect(JSON.stringify(some.events)).toContain('main.v=***')
    expect(JSON.stringify([some.events, reason(bad).message])).not.toContain('hush')
  })
})

describe('a repository', () => {
  it('runs none of its filters when Go stamps the revision', async () => {
    const some = await project({ ...files, '.gitattributes': '*.go filter=x\n' })
    const git = (...args: string[]) => promisify(execFile)('git', args, { cwd: some.root })
    const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.com']
    await git('init', '-q')
    await git('add', '.')
    await git(...identity, 'commit', '-q', '-m', 'x')
    const ran = join(some.root, 'ran')
    await git('config', 'filter.x.clean', `touch ${ran}; cat`)
    await git('config', 'core.fsmonitor', `touch ${ran}; false`)
    await some.write({ 'main.go': files['main.go'] })
    const build = { go: '.', flags: ['-buildvcs=auto'], ldflags: ['-X main.v={{.Git.TreeState}}'] }
    expect(await output((await some.compile({ app: build }))[0])).toBe('clean')
    expect(existsSync(ran)).toBe(false)
    await git('status')
    expect(existsSync(ran)).toBe(true)
  })
})

describe('cgo', () => {
  it('compiles every time, since the C toolchain is not known', async () => {
    const some = await project(files)
    for (const _ of [1, 2]) held((await some.compile({ app: { go: '.', cgo: true } }))[0])
    expect(some.ran().build).toHaveLength(2)
  })
})
