import { defineConfig } from 'tsdown'

/** One file with everything in it, so that the command starts fast and can be copied anywhere. */
const config: ReturnType<typeof defineConfig> = defineConfig({
  entry: { orch: 'src/main.ts' },
  format: 'esm',
  platform: 'node',
  target: 'node22.18',
  outDir: 'dist',
  outExtensions: () => ({ js: '.js' }),
  dts: false,
  clean: true,
  minify: false,
  // An import that cannot be resolved would be left to the machine that runs the bundle.
  failOnWarn: true,
  deps: { alwaysBundle: /.*/, onlyBundle: false },
  outputOptions: { codeSplitting: false },
})
export default config
