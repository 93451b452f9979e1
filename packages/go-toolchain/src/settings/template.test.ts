import { describe, expect, it } from 'vitest'
import { expandTemplate, type TemplateValues } from './template.ts'

const values: TemplateValues = {
  env: { VERSION: '1.2', EMPTY: '' },
  now: 1_700_000_000,
  go: { os: 'linux', arch: 'arm', variant: 'v7' },
  git: async () => ({
    state: {
      branch: 'main',
      tag: 'v1',
      fullCommit: 'c0ffee00',
      shortCommit: 'c0ff',
      commitTimestamp: '1600000000',
      dirty: true,
      mergedTags: [],
    },
  }),
}
const noGit = { ...values, git: async () => ({ why: 'fatal: not a git repository' }) }
const expand = (text: string, some: TemplateValues = values) =>
  expandTemplate(text, some, 'image a')

describe('a template', () => {
  it.each([
    ['{{.Env.VERSION}}-{{ .Env.EMPTY }}x', '1.2-x'],
    ['{{.Date}} {{.Timestamp}}', '2023-11-14T22:13:20Z 1700000000'],
    [
      '{{.Git.Branch}} {{.Git.Tag}} {{.Git.ShortCommit}} {{.Git.FullCommit}}',
      'main v1 c0ff c0ffee00',
    ],
    ['{{.Git.CommitDate}} {{.Git.CommitTimestamp}}', '2020-09-13T12:26:40Z 1600000000'],
    ['{{.Git.IsDirty}} {{.Git.IsClean}} {{.Git.TreeState}}', 'true false dirty'],
    ['{{.Go.Os}}/{{.Go.Arch}}/{{.Go.Variant}}', 'linux/arm/v7'],
    ['plain {text} }}', 'plain {text} }}'],
  ])('%j becomes %j', async (text, expected) => {
    expect(await expand(text)).toBe(expected)
  })

  it('that names what there is not says what was meant', async () => {
    await expect(expand('{{.Git.FulCommit}}')).rejects.toMatchObject({
      code: 'TEMPLATE_INVALID',
      message: 'image a: {{.Git.FulCommit}} is not known',
      hint: expect.stringMatching(/^Did you mean {{\.Git\.FullCommit}}\?/),
    })
    await expect(expand('{{.toString}}')).rejects.toMatchObject({ code: 'TEMPLATE_INVALID' })
    await expect(expand('{{ if .X }}')).rejects.toMatchObject({ code: 'TEMPLATE_INVALID' })
    await expect(expand('{{.Env.NONE}}')).rejects.toThrow('the environment has no NONE')
    await expect(expand('a {{.Date')).rejects.toThrow('{{ is not closed')
  })

  it('asks git only when it needs git, and then says why there is none', async () => {
    await expect(expand('{{.Date}}', noGit)).resolves.toMatch(/2023/)
    await expect(expand('{{.Git.Tag}}', noGit)).rejects.toMatchObject({
      code: 'GIT_MISSING',
      message: expect.stringMatching(/not a git repository/),
    })
  })
})
