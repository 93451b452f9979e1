import { OrchError } from '../errors.ts'

/** The code of a failed system call, such as `ENOENT`; undefined for anything else that was thrown. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/**
 * What to throw when the file system refused: `DISK_FULL` when there is no room or quota left,
 * `DISK_DENIED` when the place may not be written or read; any other error comes back as it was.
 * @param path what was being read or written
 */
export function diskError(error: unknown, path: string): unknown {
  const errno = errnoOf(error)
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    const why = errno === 'ENOSPC' ? 'no space is left' : 'the disk quota is used up'
    return new OrchError('DISK_FULL', `${path} cannot be written: ${why}`, {
      hint: 'Free space on that file system, or choose a place on another one.',
      cause: error,
    })
  }
  if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS') {
    const why = errno === 'EROFS' ? 'the file system is read-only' : 'permission denied'
    return new OrchError('DISK_DENIED', `${path} cannot be used: ${why}`, {
      hint: 'Check its owner and mode, or choose a place that you may write to.',
      cause: error,
    })
  }
  return error
}
