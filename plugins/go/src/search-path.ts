const unixPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const windowsPath = 'C:\\Windows\\System32;C:\\Windows'

/**
 * The base's PATH, or the usual one, with a folder at its end: `PATH=…`. On Windows the variable keeps
 * the name that the base gave it, whatever its case.
 */
export function searchPath(env: readonly string[], folder: string, os: string): string {
  const windows = os === 'windows'
  const separator = windows ? ';' : ':'
  const found = env.find(item => (windows ? /^path=/i : /^PATH=/).test(item))
  const name = found?.slice(0, found.indexOf('=')) ?? 'PATH'
  const value = found?.slice(name.length + 1) ?? (windows ? windowsPath : unixPath)
  const folders = value.split(separator).filter(item => item !== '')
  return `${name}=${[...folders.filter(item => item !== folder), folder].join(separator)}`
}
