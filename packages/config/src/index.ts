/** Project files: found, read, checked, and turned into plans. */
export {
  type ConfigContext,
  type ConfigExport,
  defineConfig,
  type ProjectCompression,
  type ProjectConfig,
  type ProjectExport,
  type ProjectImage,
  type ProjectPlugin,
} from './define.ts'
export { type DestinationOptions, planDestinations } from './destinations.ts'
export { type ExportText, parseExport } from './export-text.ts'
export { loadProject, type Project, type ProjectOptions } from './load.ts'
export { lockableBases } from './lock/bases.ts'
export { type Locks, lockFileOf, readLocks, writeLocks } from './lock/file.ts'
export { parsePlatforms } from './platforms.ts'
export type { CheckedConfig } from './schema/config.ts'
export { exporterOptions } from './schema/exports.ts'
export { projectSchema } from './schema/json-schema.ts'
export type { Selection } from './select.ts'
export { normalizeTag } from './tags.ts'
