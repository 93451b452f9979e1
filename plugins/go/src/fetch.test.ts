import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { project } from './testing.ts'

const needing = {
  'go.mod': 'module example.com/m\n\ngo 1.24\n\nrequire example.com/far v1.0.0\n',
  'main.go': 'package main\n\nfunc main() {}\n',
  'windows.go': '//go:build windows\n\npackage main\n\nimport _ "example.com/far"\n',
}

/** An environment in which no module can be had. */
async function nowhere(): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'orch-go-mod-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return { GOMODCACHE: folder, GOPROXY: 'off', GOFLAGS: '-mod=mod' }
}

it('fetches the modules that a platform needs, and names one that cannot be had', async () => {
  const some = await project(needing)
  const settings = { env: await nowhere() }
  await some.fetch({ go: '.' }, [], settings)
  expect(some.ran()).toEqual({ build: [], list: [] })
  const failed = some.fetch({ go: '.' }, ['windows/amd64'], settings)
  await expect(failed).rejects.toMatchObject({
    code: 'GO_LIST_FAILED',
    message: expect.stringMatching(
      /^image app \(windows\/amd64\): go list failed\n[\s\S]*example.com\/far/,
    ),
  })
  expect(some.ran().build).toEqual([])
})

it('leaves go.mod and the vendored modules as they are, which need no network', async () => {
  const some = await project({
    'go.mod': needing['go.mod'],
    'main.go': 'package main\n\nimport _ "example.com/far"\n\nfunc main() {}\n',
    'vendor/modules.txt': '# example.com/far v1.0.0\n## explicit\nexample.com/far\n',
    'vendor/example.com/far/far.go': 'package far\n',
  })
  await some.fetch({ go: '.' }, ['linux/amd64', 'linux/arm64'], {
    env: { ...(await nowhere()), GOFLAGS: '' },
  })
  expect(some.ran().list).toHaveLength(2)
  expect(await readFile(join(some.root, 'go.mod'), 'utf8')).toBe(needing['go.mod'])
})
