import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { type TarEntry, tarEntries } from '../../packages/oci/src/archive/tar-entries.ts'
import { TarRefusal } from '../../packages/oci/src/archive/tar-refusal.ts'
import { type GoTarEntry, startGoTar } from '../kit/go-tar.ts'
import { needs } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { anyTar } from './any-tar.ts'

/** What orch reads, in the words of Go; undefined when it refuses the tar. */
async function orchEntries(path: string): Promise<readonly GoTarEntry[] | undefined> {
  const file = await open(path)
  const flags: Record<TarEntry['type'], string> = {
    file: '0',
    link: '1',
    symlink: '2',
    directory: '5',
  }
  try {
    const found: GoTarEntry[] = []
    for await (const entry of tarEntries(file)) found.push({ ...entry, type: flags[entry.type] })
    return found
  } catch (error) {
    if (error instanceof TarRefusal) return undefined
    throw error
  } finally {
    await file.close()
  }
}

/** Without the global headers, which Go tells as entries, and the link that a file may name. */
function comparable(entries: readonly GoTarEntry[]): readonly GoTarEntry[] {
  return entries
    .filter(({ type }) => type !== 'g')
    .map(entry => (entry.type === '1' || entry.type === '2' ? entry : { ...entry, link: '' }))
}

needs('go')('a tar that orch reads', () => {
  let goEntries: Awaited<ReturnType<typeof startGoTar>>
  let path = ''
  beforeAll(async () => {
    goEntries = await startGoTar()
    path = join(await tempFolder('readers'), 'x.tar')
  })

  it('is read by Go, with the same entries in the same places', async () => {
    const seen = { both: 0, goAlone: 0, neither: 0, entries: 0 }
    const property = fc.asyncProperty(anyTar, async bytes => {
      await writeFile(path, bytes)
      const ours = await orchEntries(path)
      const theirs = await goEntries(path)
      if (ours === undefined) seen[typeof theirs === 'string' ? 'neither' : 'goAlone'] += 1
      else {
        if (typeof theirs === 'string') throw new Error(`Go refuses it: ${theirs}`)
        expect(ours).toEqual(comparable(theirs))
        seen.both += 1
        seen.entries += ours.length
      }
    })
    await fc.assert(property, { numRuns: 4000 })
    // The archives are of all kinds, or nothing was compared.
    for (const [kind, times] of Object.entries(seen)) expect(times, kind).toBeGreaterThan(200)
  })
})
