import { shown } from '@orch/oci'
import type { Secrets } from '../auth/secrets.ts'

/** Tells what registries have to say, each once. */
export interface Warnings {
  /** Of a response's Warning header. */
  read(domain: string, header: string | undefined): void
  say(domain: string, text: string): void
}

/** More than this from one run is not told. */
const most = 100

export function createWarnings(
  tell: ((host: string, warning: string) => void) | undefined,
  secrets: Secrets,
): Warnings {
  const told = new Set<string>()
  const say = (domain: string, text: string): void => {
    const key = `${domain} ${text}`
    if (told.size >= most || told.has(key)) return
    told.add(key)
    tell?.(domain, text)
  }
  return {
    say,
    read(domain, header) {
      for (const text of warningsOf(header ?? ''))
        say(domain, shown(secrets.hide(text)).slice(1, -1))
    },
  }
}

/** The texts of `299 - "…"`, as the distribution specification has them; other codes are of caches. */
function warningsOf(header: string): readonly string[] {
  const found = header.slice(0, 8192).matchAll(/(?:^|[\s,])299[ \t]+\S+[ \t]+"((?:[^"\\]|\\.)*)"/g)
  return [...found].map(([, text = '']) => text.replace(/\\(.)/g, '$1'))
}
