import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** The kit's own tests that start daemons. */
const daemons = 'test/kit/{containerd,dockerd,registry}.test.ts'

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
          exclude: ['**/node_modules/**', '**/dist/**', daemons],
          // Some tests only wait: with vitest's one worker on two cores, nothing else ran meanwhile.
          maxWorkers: 4,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', daemons],
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
