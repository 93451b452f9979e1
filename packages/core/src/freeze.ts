/**
 * Freezes plain data all the way down. What has functions (a blob, a source) or a class of its own
 * keeps its own ways, and so does everything below it.
 */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return value
  const parts: unknown[] = Object.values(value)
  if (parts.some(part => typeof part === 'function')) return value
  Object.freeze(value)
  for (const part of parts) freeze(part)
  return value
}
