import { UsageError } from '@orch/oci'

/** One flag of a command that uses Go's flag package. */
export interface Flag {
  /** Without dashes. */
  readonly name: string
  /** Absent for a switch that was given without `=`. */
  readonly value?: string
}

/**
 * Reads `-x`, `--x`, `-x=v` and, for the names in `valued`, `-x v`. Throws `GO_FLAG_INVALID` for
 * anything else, an operand or a response file (`@file`) included.
 * @param what names the list in messages, such as `ldflags`
 */
export function parseFlags(
  fields: readonly string[],
  valued: ReadonlySet<string>,
  what: string,
): Flag[] {
  const flags: Flag[] = []
  const rest = [...fields]
  for (let field = rest.shift(); field !== undefined; field = rest.shift()) {
    const [, name, given] = /^--?([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(field) ?? []
    if (name === undefined) refuse(what, field, 'is not a flag')
    if (given !== undefined || !valued.has(name)) {
      flags.push(given === undefined ? { name } : { name, value: given })
      continue
    }
    const value = rest.shift()
    if (value === undefined) refuse(what, field, 'lacks its value')
    // The compiler and the linker would read such an argument as the name of a file with more flags.
    if (value.startsWith('@')) refuse(what, `${field} ${value}`, 'names a response file')
    flags.push({ name, value })
  }
  return flags
}

function refuse(what: string, field: string, why: string): never {
  throw new UsageError('GO_FLAG_INVALID', `${what}: ${JSON.stringify(field)} ${why}`, {
    hint: 'Write -name or -name=value.',
  })
}

/** `-name` or `-name=value`. */
export function formatFlag({ name, value }: Flag): string {
  return value === undefined ? `-${name}` : `-${name}=${value}`
}

/** The value that counts: the last one; `true` for a switch without value. */
export function lastValue(flags: readonly Flag[], name: string): string | undefined {
  const flag = flags.findLast(item => item.name === name)
  return flag === undefined ? undefined : (flag.value ?? 'true')
}
