import type { ImagePlan, Plugin } from '@orch/core'
import type { Entry } from '@orch/oci'
import { type CollectContext, itemEntries } from './collect.ts'
import { type FilesItem, filesSchema } from './options.ts'
import { forWindows, type ItemEntries, mergeItems } from './place.ts'

const name = 'files'

/** Adds the image key `files`: files and folders of the project, symlinks and empty directories, in one layer above the base. */
export function files(): Plugin {
  return {
    name,
    imageKeys: { [name]: filesSchema },
    setup({ hooks }) {
      // Files are read and hashed once for all platforms of an image.
      const collected = new WeakMap<ImagePlan, Promise<readonly Entry[]>>()
      hooks.layer.tapPromise(name, async (layers, context) => {
        const { image, platform, plan, signal, allow } = context
        const items = itemsOf(image)
        if (items.length === 0) return layers
        const entries =
          collected.get(image) ?? collect(image, items, { root: plan.root, signal, allow })
        collected.set(image, entries)
        const shared = await entries
        if (shared.length === 0) return layers
        const placed = platform.os === 'windows' ? forWindows(shared) : shared
        const history = {
          created_by: `orch files ${items.map(item => item.to).join(' ')}`,
        }
        return [...layers, await context.layer(placed, { from: name, history })]
      })
    },
  }
}

/** The key's value; the schema has seen it, so its shape is known. */
function itemsOf(image: ImagePlan): readonly FilesItem[] {
  return (image.extensions[name] ?? []) as readonly FilesItem[]
}

async function collect(
  image: ImagePlan,
  items: readonly FilesItem[],
  context: CollectContext,
): Promise<readonly Entry[]> {
  const all: ItemEntries[] = []
  for (const [at, item] of items.entries()) {
    const what = `image ${image.name}, files[${at}]`
    const entries = await itemEntries(item, what, context)
    all.push({ what, explicit: item.dir === true, entries })
  }
  return mergeItems(all)
}
