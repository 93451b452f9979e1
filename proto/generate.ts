import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import protobuf from 'protobufjs'

/** What the .proto files of a folder say, as the JSON that protobufjs loads; the same files, the same text. */
export async function describe(folder: string): Promise<string> {
  const files = (await readdir(folder)).filter(file => file.endsWith('.proto')).sort()
  // One after another, so that the order is always the same.
  const root = new protobuf.Root().loadSync(files.map(file => join(folder, file)))
  return `${JSON.stringify(root.toJSON(), null, 2)}\n`
}

/** Where the .proto files of containerd are, and what is made of them. */
export const containerd: { readonly folder: string; readonly json: string } = {
  folder: join(import.meta.dirname, 'containerd'),
  json: join(import.meta.dirname, 'containerd.json'),
}

if (import.meta.main) await writeFile(containerd.json, await describe(containerd.folder))
