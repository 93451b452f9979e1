import type { ExportPlan, ImagePlan, Plan } from '@orch/core'
import { formatPlatform, type Platform } from '@orch/oci'
import type { Command } from 'commander'
import type { Runner } from '../runner.ts'
import { openProject, type Session } from '../session.ts'
import { addExports, addSelection, type ExportsOptions, selectionOf } from './select.ts'

/** `orch plan`: what `build` would do. */
export function addPlan(program: Command, run: Runner): void {
  addExports(
    addSelection(
      program.command('plan').description('print what would be built, and build nothing'),
    ),
  )
    .option('--json', 'print the plan as JSON')
    .action(
      run(
        async (
          session: Session,
          images: readonly string[],
          options: ExportsOptions & { json?: boolean },
        ) => {
          const project = await openProject(session)
          return printPlan(
            session,
            await project.toPlan(selectionOf(images, options)),
            options.json === true,
          )
        },
      ),
    )
}

/** Prints a plan for people, or as JSON. */
export function printPlan(session: Pick<Session, 'print'>, plan: Plan, json: boolean): number {
  if (json) session.print(JSON.stringify(plan, null, 2))
  else for (const line of planLines(plan)) session.print(line)
  return 0
}

function* planLines(plan: Plan): Generator<string> {
  for (const image of plan.images) yield* imageLines(image, plan.locks ?? {})
  for (const item of plan.exports) yield `export     ${exportText(item)}`
}

function exportText({ exporter, options, references = [] }: ExportPlan): string {
  const shown = Object.entries(withoutEmpty(options)).map(
    ([key, value]) => ` ${key}=${told(value)}`,
  )
  const names = references.length === 0 ? '' : ` as ${references.join(', ')}`
  return `${exporter}${shown.join('')}${names}`
}

/** An exporter's option as people write it. */
function told(value: unknown): string {
  if (Array.isArray(value) && value.every(isPlatform)) return value.map(formatPlatform).join(',')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function isPlatform(value: unknown): value is Platform {
  return typeof value === 'object' && value !== null && 'os' in value && 'architecture' in value
}

function* imageLines(image: ImagePlan, locks: NonNullable<Plan['locks']>): Generator<string> {
  const { name, build, base, platforms, tags, config, extensions } = image
  yield `image      ${name}`
  yield `  build      ${build.builder} ${JSON.stringify(withoutEmpty(build.options))}`
  for (const line of baseLines(base, locks)) yield `  base       ${line}`
  yield `  platforms  ${platforms.join(', ')}`
  yield `  tags       ${tags.join(', ')}`
  const { labels, annotations, compression } = image
  const rest = withoutEmpty({ ...config, labels, annotations, compression, ...extensions })
  for (const [key, value] of Object.entries(rest)) {
    yield `  ${key.padEnd(10)} ${typeof value === 'string' ? value : JSON.stringify(value)}`
  }
}

/** A line for the base, or for each platform that has its own; with the digest to which it is held. */
function baseLines(
  base: ImagePlan['base'] = 'scratch',
  locks: NonNullable<Plan['locks']>,
): readonly string[] {
  const held = (ref: string): string => (Object.hasOwn(locks, ref) ? `${ref} ${locks[ref]}` : ref)
  if (typeof base === 'string') return [held(base)]
  return Object.entries(base).map(([platform, ref]) => `${platform}: ${held(ref)}`)
}

/** What is set: not what is absent, empty or off. */
function withoutEmpty(value: unknown): Record<string, unknown> {
  const isSet = ([, item]: [string, unknown]): boolean =>
    item !== undefined &&
    item !== false &&
    (typeof item !== 'object' || item === null || Object.keys(item).length > 0)
  return Object.fromEntries(Object.entries(value ?? {}).filter(isSet))
}
