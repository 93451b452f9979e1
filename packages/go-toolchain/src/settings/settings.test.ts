import { parsePlatform } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { buildArgs, type GoBuild, listArgs, type Settings, settle } from './settings.ts'

/** What becomes of a build's options. */
function settings(build: Partial<GoBuild>, allow: readonly string[] = []): Promise<Settings> {
  const platform = parsePlatform('linux/arm/v6')
  const plain = { package: '.', dir: '/x', platform, flags: [], ldflags: [], tags: [], env: {} }
  const context = {
    allow: new Set(allow),
    env: { EVIL: '-toolexec=x', BRACES: '{{ -cpuprofile=/tmp/x -S=}}', SPACES: 'some words' },
    offline: false,
    now: 0,
    git: async () => ({ why: 'not a git repository' }),
  }
  return settle({ ...plain, cgo: false, ...build }, context, 'image app')
}

describe('a project file', () => {
  it.each([
    [{ flags: ['-overlay', 'x.json'] }, 'GO_FLAG_REFUSED'],
    [{ flags: ['--modfile=x.mod'] }, 'GO_FLAG_REFUSED'],
    [{ flags: ['{{.Env.EVIL}}'] }, 'GO_FLAG_REFUSED'],
    [{ flags: ['-gcflags=all=-cpuprofile=/tmp/x'] }, 'GO_FLAG_REFUSED'],
    [{ flags: ['-gcflags=-d=dumpinlfuncprops=/tmp/x'] }, 'GO_FLAG_REFUSED'],
    [{ flags: ['-asmflags=-I /etc'] }, 'GO_FLAG_REFUSED'],
    [{ flags: ['-ldflags=-extld=/tmp/x'] }, 'GO_FLAG_REFUSED'],
    [{ ldflags: ['-s -extldflags "-fplugin=x"'] }, 'GO_FLAG_REFUSED'],
    [{ ldflags: ['-X', '@/etc/passwd'] }, 'GO_FLAG_INVALID'],
    [{ ldflags: ['-X "main.v=1'] }, 'GO_FLAG_INVALID'],
    [{ flags: ['-o=/tmp/x'] }, 'GO_FLAG_INVALID'],
    [{ flags: ['-C', '/'] }, 'GO_FLAG_INVALID'],
    [{ flags: ['-trimpath=false'] }, 'GO_FLAG_INVALID'],
    [{ flags: ['-buildmode=c-archive'] }, 'GO_FLAG_INVALID'],
    [{ flags: ['--', './lib'] }, 'GO_FLAG_INVALID'],
    [{ flags: ['./lib'] }, 'GO_FLAG_INVALID'],
    [{ tags: ['a -toolexec=x'] }, 'GO_TAG_INVALID'],
    [{ env: { GOFLAGS: '-toolexec=x' } }, 'GO_ENV_REFUSED'],
    [{ env: { GOSSAFUNC: 'main' } }, 'GO_ENV_REFUSED'],
    [{ env: { CC: 'x' } }, 'GO_ENV_REFUSED'],
    [{ env: { PATH: '.' } }, 'GO_ENV_REFUSED'],
    [{ env: { LD_PRELOAD: 'x' } }, 'GO_ENV_REFUSED'],
    [{ env: { GIT_SSH_COMMAND: 'x' } }, 'GO_ENV_REFUSED'],
    [{ env: { GCONV_PATH: './x' } }, 'GO_ENV_REFUSED'],
    [{ env: { DEPENDENCIES_OUTPUT: 'x' } }, 'GO_ENV_REFUSED'],
    [{ env: { GOPRIVATE: '*' } }, 'GO_ENV_REFUSED'],
    [{ env: { GODEBUG: 'allowmultiplevcs=1' } }, 'GO_ENV_REFUSED'],
    [{ env: { ANY: 'x' } }, 'GO_ENV_REFUSED'],
    [{ flags: ['-gcflags=-lang=\u00a0-lang -cpuprofile=/tmp/x -lang=go1.24'] }, 'GO_FLAG_REFUSED'],
    [{ flags: ['-asmflags=-D=X=1\u00a0-D -o=/tmp/x -D=Y=1\u00a0-D --'] }, 'GO_FLAG_INVALID'],
    [{ flags: ['-gcflags=-lang={{.Env.BRACES}}'] }, 'GO_FLAG_REFUSED'],
    [{ flags: ['-gcflags=\u0085-cpuprofile=-N'] }, 'GO_FLAG_INVALID'],
    [{ flags: ['-ldflags=-X=a={{.Env.BRACES}}'] }, 'GO_FLAG_REFUSED'],
    [{ flags: ['-pgo=/tmp/x'] }, 'GO_FLAG_REFUSED'],
    [{ flags: ['-pgo', '../y'] }, 'GO_FLAG_REFUSED'],
    [{ env: { GOOS: 'plan9' } }, 'GO_ENV_INVALID'],
    [{ env: { CGO_ENABLED: '1' } }, 'GO_ENV_INVALID'],
    [{ ldflags: ['-X main.v={{.Git.Commit}}'] }, 'TEMPLATE_INVALID'],
    [{ ldflags: ['-X main.v={{.Env.NONE}}'] }, 'TEMPLATE_INVALID'],
    [{ ldflags: ['-X main.v={{.Git.Tag}}'] }, 'GIT_MISSING'],
  ])('that asks for %j is refused with %s', async (build, code) => {
    await expect(settings(build)).rejects.toMatchObject({ code })
  })

  it.each([
    [{ flags: ['-toolexec', 'x'] }, '-toolexec'],
    [{ flags: ['-overlay=x'] }, 'go-flags'],
    [{ ldflags: ['-extld', 'x'] }, '-extld'],
    [{ env: { CC: 'x' } }, 'CC'],
    [{ env: { ANY: 'x' } }, 'ANY'],
    [{ flags: ['-pgo=/none'] }, '-pgo'],
    [{ env: { GOFLAGS: '-x' } }, 'go-env'],
  ])('may ask for %j when the operator allows %s', async (build, name) => {
    await expect(settings(build, [name])).resolves.toHaveProperty('dir', '/x')
    await expect(settings(build, ['other'])).rejects.toHaveProperty('code')
  })
})

it('a message of a refusal does not show a value of the environment', async () => {
  const refused = settings({ flags: ['{{.Env.SPACES}}'] })
  await expect(refused).rejects.toThrow('flags: "***" is not a flag')
})

describe('the go command', () => {
  it('gets platform, flags, tags and linker flags, each in one argument', async () => {
    const build = {
      flags: ['-race', '-gcflags', ' all=-N  "-l"', '-tags=b', '-ldflags=-w', '-trimpath', '-v'],
      ldflags: ['-s', '-X main.v={{ .Env.SPACES }}'],
      tags: ['c a'],
      env: { GOARM: '5', ANY: '{{.Go.Arch}}/{{.Go.Variant}}' },
    }
    const made = await settings(build, ['ANY'])
    expect(made.env).toEqual({
      CGO_ENABLED: '0',
      GOOS: 'linux',
      GOARCH: 'arm',
      GOARM: '5',
      ANY: 'arm/v6',
    })
    expect(buildArgs(made)).toEqual([
      '-race',
      '-gcflags=all=-N -l',
      '-v',
      '-trimpath',
      '-tags=a,b,c',
      "-ldflags=-s -X 'main.v=some words' -w",
    ])
    expect(listArgs(made)).toEqual(['-race', '-tags=a,b,c', '-buildvcs=false'])
  })

  it('may not reach the network when orch may not, whatever the project file says', async () => {
    const platform = parsePlatform('linux/amd64')
    const build = {
      package: '.',
      dir: '/x',
      platform,
      flags: [],
      ldflags: [],
      tags: [],
      cgo: false,
    }
    const context = {
      allow: new Set(['GOPROXY']),
      env: {},
      offline: true,
      now: 0,
      git: async () => ({ why: '' }),
    }
    const env = { GOPROXY: 'https://example.com' }
    const made = await settle({ ...build, env }, context, 'image app')
    expect(made.env).toMatchObject({ GOPROXY: 'off', GONOPROXY: 'none', GOVCS: '*:off' })
  })
})
