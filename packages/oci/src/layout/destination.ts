import { UsageError } from '../errors.ts'
import { splitLocation } from './location.ts'

/** Where on disk an exporter shall write, and under which names. */
export interface FileDestination {
  readonly exporter: string
  readonly options: { readonly dest: string }
  readonly references: readonly string[]
}

/**
 * Reads `path[:name]`, what stands after the scheme of a destination, for an exporter that has the
 * option `dest`. Throws `DESTINATION_INVALID` when there is no path.
 * @param root the folder from which a relative path starts
 */
export async function fileDestination(
  exporter: string,
  rest: string,
  root: string,
): Promise<FileDestination> {
  if (rest === '' || rest.startsWith(':')) {
    throw new UsageError('DESTINATION_INVALID', 'the destination names no file or folder', {
      hint: 'Write its path after the first colon, and a name after the next: oci:dist/oci:example.com/x:1.',
    })
  }
  const { path, name } = await splitLocation(root, rest)
  return { exporter, options: { dest: path }, references: name === undefined ? [] : [name] }
}
