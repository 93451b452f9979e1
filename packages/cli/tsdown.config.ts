import { fileURLToPath } from 'node:url'
import { defineConfig } from 'tsdown'

/** Those imports of dockerode that orch has no use for; all the rest of them is small. */
const leftOut: ReadonlySet<string> = new Set([
  'docker-modem',
  './session',
  'tar-fs',
  '@balena/dockerignore',
])

const smallDockerode = {
  name: 'small-dockerode',
  resolveId(source: string, importer: string | undefined): string | undefined {
    const isLeftOut = leftOut.has(source) && importer?.includes('/node_modules/dockerode/')
    return isLeftOut ? fileURLToPath(new URL('left-out.cjs', import.meta.url)) : undefined
  },
}

/** V8 keeps a source with any other character in twice the memory, and loads it in twice the time. */
const ascii = {
  name: 'ascii',
  // After the minifier, which writes characters as they are.
  generateBundle(_: unknown, bundle: { readonly [name: string]: { code?: string } }): void {
    for (const chunk of Object.values(bundle)) {
      const { code = '' } = chunk
      chunk.code = code.replace(/[^\0-\x7f]/g, unit => {
        return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
      })
    }
  },
}

/** What the command and the library are bundled alike by: everything is in, nothing is left to resolve. */
const shared = {
  platform: 'node',
  target: 'node22.18',
  clean: true,
  // An import that cannot be resolved would be left to the machine that runs the bundle.
  failOnWarn: true,
  deps: { alwaysBundle: /.*/, onlyBundle: false },
  outputOptions: { codeSplitting: false },
} as const

/** The command is one file, so that it starts fast and can be copied anywhere; the library has its types beside it. */
const config: ReturnType<typeof defineConfig> = defineConfig([
  {
    ...shared,
    entry: { orch: 'src/main.ts' },
    // Node loads it in less time than a module.
    format: 'cjs',
    checks: { legacyCjs: false },
    outDir: 'dist',
    // Half the size takes half the time to load; names stay as they are, for the traces of errors.
    minify: { compress: true, mangle: false, codegen: true },
    plugins: [smallDockerode, ascii],
    dts: false,
    outExtensions: () => ({ js: '.cjs' }),
  },
  {
    ...shared,
    entry: { library: 'src/library.ts' },
    format: 'esm',
    outDir: 'lib',
    minify: false,
    plugins: [smallDockerode],
    dts: true,
    outExtensions: () => ({ js: '.js', dts: '.d.ts' }),
  },
])
export default config
