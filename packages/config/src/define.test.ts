import { expect, expectTypeOf, it } from 'vitest'
import { defineConfig, type ProjectConfig } from './define.ts'

it('defineConfig takes objects and functions, with keys of plugins', async () => {
  const project = defineConfig({
    images: {
      api: { build: { go: './x' }, compression: 'zstd', files: [{ from: 'a', to: '/a' }] },
    },
  })
  expectTypeOf(project).toExtend<ProjectConfig>()
  const later = defineConfig(async ({ env }) => ({
    images: { [env['NAME'] ?? 'api']: { build: { go: './x' } } },
  }))
  expect(Object.keys((await later({ env: { NAME: 'web' } })).images)).toEqual(['web'])
  // @ts-expect-error an image without build
  expect(defineConfig({ images: { api: {} } })).toEqual({ images: { api: {} } })
})
