/** The tables of a plugin whose values are schemas, and those whose values are functions. */
export const schemaTables = ['builders', 'exporters', 'imageKeys', 'projectKeys'] as const
export const functionTables = ['destinations', 'runtimes'] as const

/** Why a value is no plugin; undefined when it is one. */
export function shapeFault(value: unknown): string | undefined {
  if (!isRecord(value))
    return `expected a plugin {name, setup}, got ${value === null ? 'null' : typeof value}`
  const { name, setup } = value
  if (typeof name !== 'string' || name === '')
    return 'the plugin has no name; expected a string that is not empty'
  if (typeof setup !== 'function')
    return `plugin ${name} has no setup; expected a function of the plugin API`
  const fault =
    tableFault(value, schemaTables, isSchema, ['schemas', 'a Standard Schema']) ??
    tableFault(value, functionTables, isFunction, ['functions', 'a function'])
  return fault === undefined ? undefined : `plugin ${name}: ${fault}`
}

function tableFault(
  plugin: Readonly<Record<string, unknown>>,
  kinds: readonly string[],
  fits: (item: unknown) => boolean,
  [several, one]: readonly [string, string],
): string | undefined {
  for (const kind of kinds) {
    const table = plugin[kind]
    if (table === undefined) continue
    if (!isRecord(table)) return `${kind} is not a map of ${several}`
    const wrong = Object.keys(table).find(key => !fits(table[key]))
    if (wrong !== undefined) return `${kind}.${wrong} is not ${one}`
  }
  return undefined
}

function isSchema(value: unknown): boolean {
  const standard =
    isRecord(value) || isFunction(value) ? Reflect.get(Object(value), '~standard') : undefined
  return isRecord(standard) && isFunction(standard['validate'])
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
