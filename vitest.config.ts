import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** Tests of the kit that start daemons, and others that start vitest or Go's compiler: they are not quick. */
const slow = [
  'test/kit/{cleanup,containerd,dockerd,registry,said,services}.test.ts',
  'plugins/go/src/compile.test.ts',
  'scripts/tally.test.ts',
]

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'packages/**/src/**/*.test.ts',
            'plugins/**/*.test.ts',
            'proto/**/*.test.ts',
            'scripts/**/*.test.ts',
            'test/kit/**/*.test.ts',
          ],
          exclude: ['**/node_modules/**', '**/dist/**', ...slow],
          // Some tests only wait: with vitest's one worker on two cores, nothing else ran meanwhile.
          maxWorkers: 4,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', ...slow],
          // These tests run daemons, share binfmt and measure memory: one file at a time.
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})

export default config
