import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findProjectFile } from './find.ts'
import { faultOf, folder } from './test-project.ts'

describe('findProjectFile', () => {
  it.each([
    'orch.yaml',
    'orch.yml',
    'orch.config.ts',
    'orch.config.mts',
    'orch.config.js',
    'orch.config.mjs',
  ])('finds %s in a folder above', async name => {
    const root = await folder({ [name]: '', 'a/b/c.txt': '' })
    expect(await findProjectFile(join(root, 'a/b'))).toBe(join(root, name))
  })

  it('takes the nearest', async () => {
    const root = await folder({ 'orch.yaml': '', 'a/orch.config.ts': '', 'a/b/c.txt': '' })
    expect(await findProjectFile(join(root, 'a/b'))).toBe(join(root, 'a/orch.config.ts'))
  })

  it('does not take a folder for a project file', async () => {
    const root = await folder({ 'orch.yml': '' })
    await mkdir(join(root, 'orch.yaml'))
    expect(await findProjectFile(root)).toBe(join(root, 'orch.yml'))
  })

  it('refuses two in one folder, and names both', async () => {
    const root = await folder({ 'orch.yaml': '', 'orch.config.ts': '' })
    expect(await faultOf(findProjectFile(root))).toEqual({
      code: 'CONFIG_AMBIGUOUS',
      lines: [`${root} holds two project files: orch.yaml and orch.config.ts`],
      hint: 'Remove one, or choose with -f orch.yaml.',
    })
    expect(await findProjectFile(root, 'orch.config.ts')).toBe(join(root, 'orch.config.ts'))
  })

  it('says how to make one when there is none', async () => {
    const root = await folder({ 'a.txt': '' })
    expect(await faultOf(findProjectFile(root))).toEqual({
      code: 'CONFIG_NOT_FOUND',
      lines: [`no orch.yaml or orch.config.ts in ${root} or a folder above it`],
      hint: 'Make one with: orch init',
    })
  })

  it('refuses a named file that is not there', async () => {
    const root = await folder({ 'orch.yaml': '' })
    expect(await faultOf(findProjectFile(root, 'other.yaml'))).toMatchObject({
      code: 'CONFIG_NOT_FOUND',
      lines: ['other.yaml is not a file'],
    })
  })
})
