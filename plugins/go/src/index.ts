import { resolve } from 'node:path'
import type { Compiled, Plugin, TargetContext } from '@orch/core'
import { createToolchain, type GoBuild, type GoToolchain } from '@orch/go-toolchain'
import type { Platform } from '@orch/oci'
import { type GoOptions, goOptions } from './options.ts'
import { place as placeProgram } from './placement.ts'
import { searchPath } from './search-path.ts'

/** Builds Go commands: images with `build: {go: ./cmd/x}`. */
export function go(): Plugin {
  return {
    name: 'go',
    builders: { go: goOptions },
    setup({ hooks, root }) {
      let toolchain = createToolchain()
      // What was asked of Go and of git holds for one build.
      hooks.configResolved.tap('go', () => {
        toolchain = createToolchain()
      })
      hooks.resolvePlatforms.tapPromise('go', async (platforms, context) => {
        const { image } = context
        if (image.build.builder !== 'go') return platforms
        const { dir } = goOptions.parse(image.build.options)
        await toolchain.checkPlatforms(platforms, resolve(root, dir), image.name, context)
        return platforms
      })
      hooks.fetch.tapPromise('go', async (platforms, context) => {
        const { name, build } = context.image
        if (build.builder !== 'go') return
        const options = goOptions.parse(build.options)
        for (const platform of platforms) {
          const place = { image: name, platform }
          await toolchain.fetch(buildOf(options, root, platform), place, context)
        }
      })
      hooks.compile.tapPromise('go', async (target, context) => {
        const { builder, options } = target.image.build
        if (builder !== 'go') return undefined
        return compile(goOptions.parse(options), root, toolchain, context)
      })
    },
  }
}

async function compile(
  options: GoOptions,
  root: string,
  toolchain: GoToolchain,
  context: TargetContext,
): Promise<Compiled> {
  const { args } = options
  const { target, platform, image } = context
  const place = { image: image.name, platform }
  const program = await toolchain.build(buildOf(options, root, platform), place, context)
  const path = options.path ?? `/app/${options.name ?? program.name}`
  const placed = placeProgram(program.binary, path, platform.os)
  return {
    kind: 'files',
    entries: placed.entries,
    config: {
      Entrypoint: [placed.path],
      ...(args === undefined ? {} : { Cmd: args }),
      Env: [searchPath(target.base?.config.config?.Env ?? [], placed.folder, platform.os)],
    },
    createdBy: `go build ${program.importPath}`,
  }
}

/** What the go command is to build for a platform. */
function buildOf(options: GoOptions, root: string, platform: Platform): GoBuild {
  const { go: name, dir, flags, ldflags, tags, env, cgo } = options
  return {
    package: name,
    dir: resolve(root, dir),
    platform,
    flags,
    ldflags: typeof ldflags === 'string' ? [ldflags] : ldflags,
    tags,
    env,
    cgo,
  }
}
