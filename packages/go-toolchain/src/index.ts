/** Drives the go command: what it can build for, and commands compiled in batches, remembered. */
export type { GoContext, GoProgram } from './build/request.ts'
export { GoBuildError, type GoPlace } from './errors.ts'
export type { GoBuild } from './settings/settings.ts'
export { createToolchain, type GoToolchain } from './toolchain.ts'
