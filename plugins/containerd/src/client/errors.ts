import { OrchError, type OrchErrorOptions, shown } from '@orch/oci'

/** The status codes of gRPC by their numbers (grpc, doc/statuscodes.md). */
const statuses = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const

export type Status = (typeof statuses)[number]

/** What went wrong between orch and a containerd. The message names the address. */
export class ContainerdError extends OrchError {
  /** The gRPC status; undefined when no call was made. */
  readonly status: Status | undefined
  /** The daemon's own words, or those of the connection; empty when no call was made. */
  readonly details: string

  constructor(
    code: string,
    message: string,
    options: OrchErrorOptions & { status?: Status; details?: string } = {},
  ) {
    super(code, message, options)
    this.status = options.status
    this.details = options.details ?? ''
  }
}

/** Whether a call failed with this gRPC status. */
export function hasStatus(error: unknown, status: Status): error is ContainerdError {
  return error instanceof ContainerdError && error.status === status
}

/** Whether the connection broke: the daemon may come back. */
export function isLost(error: unknown): error is OrchError {
  return error instanceof OrchError && error.code === 'CONTAINERD_LOST'
}

/** Whether another upload holds the ref: wait a little and try again. */
export function isLocked(error: unknown): error is ContainerdError {
  return hasStatus(error, 'UNAVAILABLE') && isLock(error.details)
}

/** As grpc-js reports a call that failed. */
export interface Failure {
  readonly code: number
  readonly details: string
}

/**
 * What a failed call means: `CONTAINERD_SILENT`, `CONTAINERD_FULL`, `CONTAINERD_FOREIGN`,
 * `CONTAINERD_LOST`, or `CONTAINERD_FAILED` with the daemon's own words.
 */
export function callError(address: string, method: string, failure: Failure): ContainerdError {
  const status = statuses[failure.code] ?? 'UNKNOWN'
  const { details } = failure
  const error = (code: string, message: string, hint?: string) =>
    new ContainerdError(code, message, {
      status,
      details,
      cause: failure,
      ...(hint === undefined ? {} : { hint }),
    })
  const said = shown(details)

  if (/no space left on device|disk quota exceeded/i.test(details))
    return error(
      'CONTAINERD_FULL',
      `the disk of containerd at ${address} is full (${method}): ${said}`,
      'Free space where that containerd keeps its content, then run again.',
    )
  if (status === 'DEADLINE_EXCEEDED') return silentError(address, method, failure)
  if (status === 'UNIMPLEMENTED' || details.startsWith('Received HTTP status code'))
    return error(
      'CONTAINERD_FOREIGN',
      `${address} does not offer ${method} of containerd: ${said}`,
      'Give the address of a containerd, 1.6 or newer.',
    )
  if (breaks(status, details))
    return error(
      'CONTAINERD_LOST',
      `the connection to containerd at ${address} broke (${method}): ${said}`,
      method === 'Content.Read'
        ? 'See whether that containerd runs, then run again.'
        : 'See whether that containerd runs, then run again: what was uploaded is kept and the upload goes on from there.',
    )
  return error(
    'CONTAINERD_FAILED',
    `containerd at ${address} refused ${method}: ${said}`,
    'Its log may say more; when ctr can do the same there, it is worth a report.',
  )
}

/** There was no answer in time. */
export function silentError(address: string, method: string, failure?: Failure): ContainerdError {
  return new ContainerdError(
    'CONTAINERD_SILENT',
    `containerd at ${address} did not answer ${method} in time`,
    {
      status: 'DEADLINE_EXCEEDED',
      hint: 'See whether that containerd and its disk are overloaded, then run again.',
      ...(failure === undefined ? {} : { cause: failure, details: failure.details }),
    },
  )
}

/** The client was closed, by its own side. */
export function closedError(address: string, method: string): ContainerdError {
  return new ContainerdError(
    'CONTAINERD_LOST',
    `the connection to containerd at ${address} was closed before ${method} had ended`,
    { status: 'CANCELLED' },
  )
}

function breaks(status: Status, details: string): boolean {
  if (status === 'CANCELLED') return true
  if (status === 'UNAVAILABLE') return !isLock(details)
  // What grpc-js calls INTERNAL is a stream that was reset, or a connection that broke inside a message.
  return (
    status === 'INTERNAL' &&
    /RST_STREAM|session (was )?closed|ECONNRESET|EPIPE|GOAWAY/i.test(details)
  )
}

function isLock(details: string): boolean {
  return details.includes(' locked for ')
}
