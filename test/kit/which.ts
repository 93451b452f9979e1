import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where a program is, looked up in PATH and where system programs are; `undefined` when it is not installed. */
export function which(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(folder => folder !== '')
  return [...folders, '/usr/sbin', '/sbin']
    .map(folder => join(folder, program))
    .find(file => isExecutable(file))
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
