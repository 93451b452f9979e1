import { shown } from '@orch/oci'
import type { Calls } from './calls.ts'
import { fromWire, toWire } from './descriptor.ts'
import { unlessMissing } from './missing.ts'
import type { Client, ImageRecord } from './types.ts'
import type { WireImage } from './wire.ts'

/** Image records (images.Images). */
export function images(calls: Calls): Client['images'] {
  const record = ({ name, labels, target }: WireImage): ImageRecord => ({
    name,
    labels,
    target: fromWire(target, `the target of the image ${shown(name)}`, calls.address),
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
      await calls.unary('images.Images/Create', { image: wire(image) }, call)
    },
    async update(image, paths, call) {
      // A mask that names nothing would replace the whole record.
      if (paths.length === 0) return
      const request = { image: wire(image), updateMask: { paths } }
      await calls.unary('images.Images/Update', request, call)
    },
    async delete(name, call) {
      await calls.unary('images.Images/Delete', { name }, call)
    },
  }
}
