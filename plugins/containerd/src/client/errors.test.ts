import { expect, it } from 'vitest'
import { callError, hasStatus, isLocked } from './errors.ts'

const address = '/run/c.sock'

it.each([
  [2, 'write /data/ingest: no space left on device', 'CONTAINERD_FULL'],
  [9, 'write /data/ingest: disk quota exceeded', 'CONTAINERD_FULL'],
  [4, 'Deadline exceeded', 'CONTAINERD_SILENT'],
  [12, 'unknown service containerd.services.diff.v1.Diff', 'CONTAINERD_FOREIGN'],
  [2, 'Received HTTP status code 405', 'CONTAINERD_FOREIGN'],
  [14, 'Connection dropped', 'CONTAINERD_LOST'],
  [13, 'Received RST_STREAM with code 2 (Internal server error)', 'CONTAINERD_LOST'],
  [1, 'context canceled', 'CONTAINERD_LOST'],
  [13, 'snapshotter is broken', 'CONTAINERD_FAILED'],
  [5, 'lease "x": not found', 'CONTAINERD_FAILED'],
  [99, 'from the future', 'CONTAINERD_FAILED'],
])('status %i, %j, is %s and names the address, the method and the words', (code, details, is) => {
  const error = callError(address, 'Diff.Apply', { code, details })
  expect(error.code).toBe(is)
  expect(error.details).toBe(details)
  expect(error.message).toContain(address)
  expect(error.message).toContain('Diff.Apply')
  if (is !== 'CONTAINERD_SILENT') expect(error.message).toContain(JSON.stringify(details))
})

it('an upload of another is no broken connection', () => {
  const details = 'ref x locked for 2s (since today): unavailable'
  const error = callError(address, 'Content.Write', { code: 14, details })
  expect(error.code).toBe('CONTAINERD_FAILED')
  expect(isLocked(error)).toBe(true)
  expect(isLocked(callError(address, 'Content.Write', { code: 14, details: 'gone' }))).toBe(false)
})

it('the status is known by name', () => {
  const error = callError(address, 'Images.Get', { code: 5, details: 'not found' })
  expect(hasStatus(error, 'NOT_FOUND')).toBe(true)
  expect(hasStatus(error, 'ALREADY_EXISTS')).toBe(false)
  expect(hasStatus(new Error('not found'), 'NOT_FOUND')).toBe(false)
})

it('what a daemon says cannot drive a terminal', () => {
  const error = callError(address, 'Images.Get', { code: 2, details: '\u001b[2Jgone' })
  expect(error.message).not.toContain('\u001b')
})
