import { writeFileSync } from 'node:fs'

/** Writes src/snapshot/`name`.ts, with a line that says where it came from. */
export function writeModule(name: string, source: string): void {
  const file = new URL(`../src/snapshot/${name}.ts`, import.meta.url)
  writeFileSync(file, `// Written by scripts/snapshot.ts; see README.md.\n${source}`)
}
