/**
 * orch as a library: what the command does, from a program. Load a project, plan, build:
 *
 *     const project = await loadProject({ cwd, builtins: defaultPlugins(), env: process.env })
 *     const plan = await project.toPlan()
 *     const { plugins, root, settings } = project
 *     const orch = await createOrch({ plugins, root, settings })
 *     const { ok, errors, images } = await orch.build(plan).finally(() => orch.close())
 *     if (!ok) throw new AggregateError([...errors, ...images.flatMap(image => image.errors)])
 */
export {
  defineConfig,
  loadProject,
  type Project,
  type ProjectConfig,
  type Selection,
} from '@orch/config'
export * from '@orch/core'
export * as oci from '@orch/oci'
export { defaultPlugins } from './plugins.ts'
