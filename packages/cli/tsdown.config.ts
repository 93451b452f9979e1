import { fileURLToPath } from 'node:url'
import { defineConfig } from 'tsdown'

/** What the command and the library are bundled alike by: everything is in, nothing is left to resolve. */
const shared = {
  format: 'esm',
  platform: 'node',
  target: 'node22.18',
  clean: true,
  minify: false,
  // An import that cannot be resolved would be left to the machine that runs the bundle.
  failOnWarn: true,
  deps: { alwaysBundle: /.*/, onlyBundle: false },
  outputOptions: { codeSplitting: false },
  alias: { 'docker-modem': fileURLToPath(new URL('no-modem.cjs', import.meta.url)) },
} as const

/** The command is one file, so that it starts fast and can be copied anywhere; the library has its types beside it. */
const config: ReturnType<typeof defineConfig> = defineConfig([
  {
    ...shared,
    entry: { orch: 'src/main.ts' },
    outDir: 'dist',
    dts: false,
    outExtensions: () => ({ js: '.js' }),
  },
  {
    ...shared,
    entry: { library: 'src/library.ts' },
    outDir: 'lib',
    dts: true,
    outExtensions: () => ({ js: '.js', dts: '.d.ts' }),
  },
])
export default config
