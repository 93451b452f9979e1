/** Renderers of core's events, and results in words and as documents. */
export { dedupeErrors } from './errors/dedupe.ts'
export { type DescribeOptions, describeError } from './errors/describe.ts'
export { exitCodeOf } from './errors/exit-code.ts'
export type { Problem } from './errors/problem.ts'
export { formatCount, formatDuration, formatSize } from './format.ts'
export {
  createReporter,
  type ProgressMode,
  type Reporter,
  type ReporterOptions,
} from './reporter.ts'
export { resultDocument } from './result/document.ts'
export { resultLines } from './result/lines.ts'
export type { Result, ResultManifest } from './result/result.ts'
export { type Environment, type Output, useColor } from './style.ts'
export { visible } from './text.ts'
export { imageTree, type TreeNode, type TreeOptions } from './tree.ts'
