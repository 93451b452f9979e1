import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { held, here, output, type Project, project, reason, runnable } from './testing.ts'

const exec = promisify(execFile)
const mod = { 'go.mod': 'module example.com/m\n\ngo 1.24\n' }
const says = (text: string) => `package main\n\nfunc main() { println(${JSON.stringify(text)}) }\n`
const stamped =
  'package main\n\nvar version, branch string\n\nfunc main() { println(version, branch) }\n'

/** The packages that each `go build` was given. */
function built(project: Project): string[][] {
  return project.ran().build.map(args => args.slice(args.indexOf('--') + 1).sort())
}

async function git(project: Project, ...args: string[]): Promise<void> {
  const config = ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'tag.gpgSign=false']
  await exec('git', [...config, ...args], { cwd: project.root })
}

describe('a command', () => {
  it('becomes the file /app/<name>, the entrypoint, and a folder on PATH', async () => {
    const some = await project({ ...mod, 'cmd/hello/main.go': says('hello') })
    const [result] = await some.compile(
      { app: { go: './cmd/hello/', args: ['--port', '80'] } },
      { baseEnv: ['PATH=/bin'] },
    )
    expect(held(result).config).toEqual({
      Entrypoint: ['/app/hello'],
      Cmd: ['--port', '80'],
      Env: ['PATH=/bin:/app'],
    })
    expect(held(result).createdBy).toBe('go build example.com/m/cmd/hello')
    expect(held(result).entries).toMatchObject([
      { type: 'directory', path: 'app', mode: 0o755 },
      { type: 'file', path: 'app/hello', mode: 0o555 },
    ])
    expect(await output(result)).toBe('hello')
  })

  it('of the root of a module has the name of the module, without its major version', async () => {
    const some = await project({ 'go.mod': 'module example.com/tool/v2\n', 'main.go': says('x') })
    const [result] = await some.compile({ app: { go: '.' } })
    expect(held(result).config.Entrypoint).toEqual(['/app/tool'])
  })

  it('is found by import path, in another folder, and gets a name of its own', async () => {
    const some = await project({
      'services/go.mod': 'module example.com/services\n',
      'services/api/main.go': says('api'),
    })
    const build = { go: 'example.com/services/api', dir: 'services', name: 'server' }
    const [result] = await some.compile({ app: build })
    expect(held(result).config.Entrypoint).toEqual(['/app/server'])
    expect(await output(result)).toBe('api')
  })

  it('is the same, byte for byte, from another folder', async () => {
    const files = { ...mod, 'main.go': says('x') }
    const [one] = await (await project(files)).compile({ app: { go: '.' } })
    const [two] = await (await project(files)).compile({ app: { go: '.' } })
    expect(held(one).entries[1]).toHaveProperty('content.descriptor')
    const digest = (result: typeof one) =>
      held(result).entries.flatMap(entry => (entry.type === 'file' ? entry.content.descriptor : []))
    expect(digest(one)).toEqual(digest(two))
  })

  it('is stamped by templates in ldflags, with values that hold spaces and quotes', async () => {
    const some = await project({ ...mod, 'main.go': stamped })
    await git(some, 'init', '-q', '-b', 'main')
    await git(some, 'add', '.')
    await git(some, 'commit', '-q', '-m', 'x')
    const ldflags = [
      '-s -w',
      '-X main.version={{ .Env.VERSION }}',
      '-X',
      'main.branch={{.Git.Branch}}',
    ]
    const [result] = await some.compile(
      { app: { go: '.', ldflags } },
      { env: { VERSION: "it's 1.2 -extld=/bin/sh" } },
    )
    expect(await output(result)).toBe("it's 1.2 -extld=/bin/sh main")
  })
})

describe('commands asked for together', () => {
  it('are compiled by one go list and one go build', async () => {
    const some = await project({
      ...mod,
      'cmd/a/main.go': says('a'),
      'cmd/b/main.go': says('b'),
    })
    const results = await some.compile({
      a: { go: './cmd/a' },
      b: { go: './cmd/b' },
      again: { go: 'example.com/m/cmd/a' },
    })
    expect(await Promise.all(results.map(output))).toEqual(['a', 'b', 'a'])
    const { list, build } = some.ran()
    expect(list).toHaveLength(1)
    expect(build).toHaveLength(1)
  })

  it('share what is still being made for others, in whatever order they come', async () => {
    const some = await project({
      ...mod,
      'cmd/a/main.go': says('a'),
      'cmd/b/main.go': says('b'),
    })
    const results = await some.compile(
      {
        a: { go: './cmd/a' },
        b: { go: './cmd/b' },
        'late-b': { go: './cmd/b' },
        'late-a': { go: './cmd/a' },
      },
      { later: { 'late-a': 60, 'late-b': 60 } },
    )
    expect(await Promise.all(results.map(output))).toEqual(['a', 'b', 'b', 'a'])
    const { list, build } = some.ran()
    // On a busy machine the late ones may still be early enough for the first list.
    expect([1, 2]).toContain(list.length)
    expect(build).toHaveLength(1)
  })

  it('may have the same name', async () => {
    const some = await project({
      ...mod,
      'a/server/main.go': says('a'),
      'b/server/main.go': says('b'),
    })
    const results = await some.compile({ a: { go: './a/server' }, b: { go: './b/server' } })
    expect(await Promise.all(results.map(output))).toEqual(['a', 'b'])
  })

  it('do not suffer from one that does not compile, whose errors come whole', async () => {
    const some = await project({
      ...mod,
      'lib/lib.go': 'package lib\n\nfunc F() int { return "x" }\n',
      'cmd/good/main.go': says('good'),
      'cmd/bad/main.go': 'package main\n\nfunc main() { undefinedName() }\n',
      'cmd/uses/main.go': 'package main\n\nimport "example.com/m/lib"\n\nfunc main() { lib.F() }\n',
    })
    const [good, bad, uses] = await some.compile({
      good: { go: './cmd/good' },
      bad: { go: './cmd/bad' },
      uses: { go: './cmd/uses' },
    })
    expect(await output(good)).toBe('good')
    const own = '# example.com/m/cmd/bad\ncmd/bad/main.go:3:15: undefined: undefinedName'
    expect(reason(bad)).toMatchObject({
      code: 'GO_BUILD_FAILED',
      message: `image bad (${here}): go build failed\n${own}`,
      detail: own,
    })
    expect(reason(uses).message).toMatch(/# example.com\/m\/lib\nlib\/lib.go:3:/)
    expect(reason(uses).message).not.toMatch(/undefinedName/)
  })

  it('do not suffer from the remarks that the compiler was asked for', async () => {
    const some = await project({
      ...mod,
      'cmd/good/main.go': says('good'),
      'cmd/bad/main.go': 'package main\n\nfunc main() { undefinedName() }\n',
    })
    const flags = ['-gcflags=-m']
    const [good, bad] = await some.compile({
      good: { go: './cmd/good', flags },
      bad: { go: './cmd/bad', flags },
    })
    expect(await output(good)).toBe('good')
    expect(reason(bad)).toHaveProperty('code', 'GO_BUILD_FAILED')
    const remarks = some.events.filter(({ type }) => type === 'log')
    expect(remarks).toMatchObject([{ message: expect.stringContaining('can inline main') }])
  })

  it('do not suffer from one whose imports cannot be had', async () => {
    const some = await project({
      ...mod,
      'cmd/good/main.go': says('good'),
      'cmd/bad/main.go': 'package main\n\nimport _ "example.org/none"\n\nfunc main() {}\n',
      'cmd/other/main_plan9.go': 'package main\n\nfunc main() {}\n',
    })
    const [good, bad, other] = await some.compile({
      good: { go: './cmd/good' },
      bad: { go: './cmd/bad' },
      other: { go: './cmd/other' },
    })
    expect(await output(good)).toBe('good')
    expect(reason(bad).message).toMatch(
      /cmd\/bad\/main.go:3:8: no required module provides package example.org\/none/,
    )
    expect(reason(other).message).toMatch(/build constraints exclude all Go files/)
  })
})

describe('a second build', () => {
  const files = {
    'go.mod':
      'module example.com/m\n\ngo 1.24\n\nrequire example.com/lib v0.0.0\n\nreplace example.com/lib => ./vendored/lib\n',
    'vendored/lib/go.mod': 'module example.com/lib\n',
    'vendored/lib/lib.go':
      'package lib\n\nimport _ "embed"\n\n//go:embed data/text\nvar Text string\n',
    'vendored/lib/data/text': 'one',
    'main.go':
      'package main\n\nimport "example.com/lib"\n\nvar extra string\n\nfunc main() { println(lib.Text, extra) }\n',
    'other/main.go': says('other'),
  }
  const builds = { app: { go: '.' }, other: { go: './other' } }

  it('with nothing changed runs no compiler', async () => {
    const some = await project(files)
    const first = await some.compile(builds)
    expect(built(some)).toHaveLength(1)
    const second = await some.compile(builds)
    expect(built(some)).toEqual([])
    expect(second.map(result => held(result).config)).toEqual(
      first.map(result => held(result).config),
    )
    expect(await output(second[0])).toBe('one')
  })

  it('compiles only what an edit reaches', async () => {
    const some = await project(files)
    await some.compile(builds)
    some.ran()
    await some.write({ 'vendored/lib/data/text': 'two' })
    const [app] = await some.compile(builds)
    expect(await output(app)).toBe('two')
    expect(built(some)).toEqual([['.']])
    await some.write({ 'more.go': 'package main\n\nfunc init() { extra = "more" }\n' })
    expect(await output((await some.compile(builds))[0])).toBe('two more')
    expect(built(some)).toEqual([['.']])
    await rm(join(some.root, 'more.go'))
    expect(await output((await some.compile(builds))[0])).toBe('two')
    expect(built(some)).toEqual([])
  })

  it('compiles again for other flags, tags, environment, and an edited go.mod', async () => {
    const some = await project({ ...mod, 'main.go': says('x') })
    const compile = async (extra: object, env: Record<string, string> = {}) => {
      held((await some.compile({ app: { go: '.', ...extra } }, { env }))[0])
      return built(some).length
    }
    expect(await compile({})).toBe(1)
    expect(await compile({ ldflags: '-s' })).toBe(1)
    expect(await compile({ tags: ['x'] })).toBe(1)
    expect(await compile({ env: { GOAMD64: 'v2', GOARM64: 'v8.1' } })).toBe(1)
    expect(await compile({}, { GOFLAGS: '-tags=y' })).toBe(1)
    await some.write({ 'go.mod': 'module example.com/m\n\ngo 1.23\n' })
    expect(await compile({})).toBe(1)
    expect(await compile({ flags: ['-v', '-p=1'] })).toBe(0)
  })

  it('compiles again after a commit, whose revision Go stamps, unless -buildvcs=false', async () => {
    const some = await project({ ...mod, 'main.go': says('x') })
    await git(some, 'init', '-q')
    await git(some, 'add', '.')
    await git(some, 'commit', '-q', '-m', 'one')
    const builds = { app: { go: '.' }, plain: { go: '.', flags: ['-buildvcs=false'] } }
    await some.compile(builds)
    expect(built(some)).toHaveLength(2)
    await git(some, 'commit', '-q', '--allow-empty', '-m', 'two')
    await some.compile(builds)
    expect(built(some)).toHaveLength(1)
    await git(some, 'tag', 'v1.2.3')
    const [app] = await some.compile(builds)
    expect(built(some)).toHaveLength(1)
    const { stdout } = await exec('go', ['version', '-m', await runnable(held(app))])
    expect(stdout).toMatch(/mod\s+example.com\/m\s+v1\.2\.3/)
    await some.compile(builds)
    expect(built(some)).toEqual([])
  })

  it('does not trust what was compiled while its sources changed', async () => {
    const some = await project({ ...mod, 'main.go': says('one') })
    const listed = () =>
      some.events.some(event => event.type === 'process' && event.command[1] === 'list')
    const lateEdit = (async () => {
      while (!listed()) await new Promise(resolve => setTimeout(resolve, 1))
      await some.write({ 'new.go': 'package main\n\nfunc init() { println("late") }\n' })
    })()
    held((await some.compile({ app: { go: '.' } }))[0])
    await lateEdit
    expect(some.events.filter(({ type }) => type === 'log')).toHaveLength(1)
    await rm(join(some.root, 'new.go'))
    some.ran()
    await some.compile({ app: { go: '.' } })
    expect(built(some)).toEqual([['.']])
    await some.write({ 'new.go': 'package main\n\nfunc init() { println("late") }\n' })
    expect(await output((await some.compile({ app: { go: '.' } }))[0])).toBe('late\none')
  })
})
