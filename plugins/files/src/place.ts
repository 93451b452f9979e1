import { type Entry, UsageError } from '@orch/oci'

/** Entries of one item, and how messages name it. */
export interface ItemEntries {
  /** Such as `image api, files[2]`. */
  readonly what: string
  /** An empty directory that was asked for: its mode and owner win over those that a folder brought along. */
  readonly explicit: boolean
  readonly entries: readonly Entry[]
}

/**
 * All items' entries as one layer has them: a directory that several items name is there once.
 * Throws `FILES_CONFLICT` when anything else is put at one path twice, or below what is no directory.
 */
export function mergeItems(items: readonly ItemEntries[]): readonly Entry[] {
  const taken = new Map<string, { entry: Entry; item: ItemEntries }>()
  for (const item of items) {
    for (const entry of item.entries) {
      const before = taken.get(entry.path)
      if (before === undefined) taken.set(entry.path, { entry, item })
      else if (entry.type !== 'directory' || before.entry.type !== 'directory')
        conflict(item, before.item, `both put something at /${entry.path}`)
      else if (item.explicit || !before.item.explicit) taken.set(entry.path, { entry, item })
    }
  }
  for (const [path, { item }] of taken) {
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      const above = taken.get(path.slice(0, at))
      if (above === undefined || above.entry.type === 'directory') continue
      const why = `cannot both be: /${path} lies below /${above.entry.path}, a ${above.entry.type}`
      conflict(item, above.item, why)
    }
  }
  return [...taken.values()].map(({ entry }) => entry)
}

function conflict(item: ItemEntries, other: ItemEntries, why: string): never {
  const who = item === other ? item.what : `${other.what} and ${item.what}`
  throw new UsageError('FILES_CONFLICT', `${who} ${why}`, {
    hint: 'Give each its own `to`.',
  })
}

/** The entries as a layer for Windows has them: below `Files`, beside `Hives`, where its registry would be. */
export function forWindows(entries: readonly Entry[]): readonly Entry[] {
  return [
    { type: 'directory', path: 'Files' },
    ...entries.map(entry => ({ ...entry, path: `Files/${entry.path}` })),
    { type: 'directory', path: 'Hives' },
  ]
}
