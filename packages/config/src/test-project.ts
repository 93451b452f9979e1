import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Plugin } from '@orch/core'
import { OrchError } from '@orch/oci'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { loadProject, type Project, type ProjectOptions } from './load.ts'

const place = z.strictObject({ from: z.string(), to: z.string() })
const link = z.strictObject({ link: z.string(), to: z.string() })

/** Plugins that only say which keys are theirs. */
export const fakes: readonly Plugin[] = [
  {
    name: 'go',
    builders: {
      go: z.strictObject({
        go: z.string(),
        ldflags: z.union([z.string(), z.array(z.string())]).optional(),
        flags: z.array(z.string()).default([]),
        cgo: z.boolean().optional(),
      }),
    },
    setup() {},
  },
  { name: 'bazel', builders: { bazel: z.strictObject({ bazel: z.string() }) }, setup() {} },
  {
    name: 'media',
    exporters: {
      layout: z.strictObject({ dest: z.string().default('dist') }),
      'oci-archive': z.strictObject({
        dest: z.string(),
        level: z.coerce.number().min(1).optional(),
      }),
    },
    setup() {},
  },
  {
    name: 'hosts',
    projectKeys: { hosts: z.record(z.string(), z.strictObject({ ca: z.string() })) },
    setup() {},
  },
  { name: 'files', imageKeys: { files: z.array(z.union([place, link])) }, setup() {} },
]

/** A folder with these files, by path; removed when the test has finished. */
export async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'orch-config-')))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  return root
}

/** Loads the project in a new folder with these files. */
export async function project(
  files: Readonly<Record<string, string>>,
  options: Partial<ProjectOptions> = {},
): Promise<Project> {
  return loadProject({ cwd: await folder(files), builtins: fakes, env: {}, ...options })
}

/** What a user sees of the error: code, the lines of the message, and the hint. */
export async function faultOf(
  work: Promise<unknown>,
): Promise<{ code: string; lines: string[]; hint: string | undefined }> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof OrchError)) throw error
    return { code: error.code, lines: error.message.split('\n'), hint: error.hint }
  }
  throw new Error('expected an error')
}
