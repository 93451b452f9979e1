const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** Bytes in binary units with at most one decimal: `512 B`, `1.2 KiB`, `340 MiB`. */
export function formatSize(bytes: number): string {
  let value = bytes
  let unit = 0
  // 1023.95 would be rounded to 1024.0, which the next unit says better.
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1
  return `${value.toFixed(digits)} ${units[unit]}`
}

/** Milliseconds as people read them: `4ms`, `1.2s`, `2m 05s`, `1h 02m`. */
export function formatDuration(milliseconds: number): string {
  const whole = Math.max(0, Math.round(milliseconds))
  if (whole < 1000) return `${whole}ms`
  if (whole < 59_950) return `${(whole / 1000).toFixed(1)}s`
  const seconds = Math.round(whole / 1000)
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m ${two(seconds % 60)}s`
  return `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** A count with its word: `1 image`, `3 images`. */
export function formatCount(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
