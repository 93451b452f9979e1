/**
 * orch as a library: what the command does, from a program. Load a project, plan, build:
 *
 *     const project = await loadProject({ cwd, builtins: defaultPlugins(), env: process.env })
 *     const plan = await project.toPlan()
 *     const { plugins, root, settings } = project
 *     const orch = await createOrch({ plugins, root, settings })
 *     const { ok, errors, images } = await orch.build(plan).finally(() => orch.close())
 *     if (!ok) throw new AggregateError([...errors, ...images.flatMap(image => image.errors)])
 *
 * `orch copy` is `planDestinations`, then `copyImages`. `orch load` is a build of
 * `project.toPlan({ exports: [{ exporter, options: {} }] })` with the exporter of `chooseRuntime`.
 */
export {
  type DestinationOptions,
  defineConfig,
  loadProject,
  type Project,
  type ProjectConfig,
  planDestinations,
  type Selection,
} from '@orch/config'
export * from '@orch/core'
export * as oci from '@orch/oci'
export type { Result as CopyResult } from '@orch/report'
export { copyImages } from './copy/copy.ts'
export type { CopyOptions } from './copy/images.ts'
export { type ChosenRuntime, chooseRuntime } from './load/runtime.ts'
export { defaultPlugins } from './plugins.ts'
