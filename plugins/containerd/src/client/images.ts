import { shown } from '@orch/oci'
import type { Calls } from './calls.ts'
import { fromWire, toWire } from './descriptor.ts'
import { unlessMissing } from './missing.ts'
import type { Client, ImageRecord, StoredImage } from './types.ts'
import type { WireImage } from './wire.ts'

/** Image records (images.Images). */
export function images(calls: Calls): Client['images'] {
  const record = ({ name, labels, target, updatedAt }: WireImage): StoredImage => ({
    name,
    labels,
    target: fromWire(target, `the target of the image ${shown(name)}`, calls.address),
    writtenAt: `${updatedAt?.seconds ?? 0}.${updatedAt?.nanos ?? 0}`,
  })
  const wire = ({ name, labels, target }: ImageRecord): WireImage => ({
    name,
    labels,
    target: toWire(target),
  })
  return {
    async get(name, call) {
      const found = await unlessMissing(calls.unary('images.Images/Get', { name }, call))
      return found?.image ? record(found.image) : undefined
    },
    async list(filters, call) {
      const found = await calls.unary('images.Images/List', { filters }, call)
      return found.images.map(record)
    },
    async create(image, call) {
      const made = await calls.unary('images.Images/Create', { image: wire(image) }, call)
      return made.image ? record(made.image) : undefined
    },
    async update(image, paths, call) {
      // A mask that names nothing would replace the whole record.
      if (paths.length === 0) return undefined
      const request = { image: wire(image), updateMask: { paths } }
      const made = await calls.unary('images.Images/Update', request, call)
      return made.image ? record(made.image) : undefined
    },
    async delete(name, call) {
      await unlessMissing(calls.unary('images.Images/Delete', { name }, call))
    },
  }
}
