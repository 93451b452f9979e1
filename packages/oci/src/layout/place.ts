import { randomUUID } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { copyFile, link, lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Blob } from '../blob/blob.ts'
import { saveBlob } from '../blob/save.ts'
import { verifiedBytes } from '../blob/verify.ts'
import { diskError } from '../fs/disk-error.ts'

/**
 * Puts a blob at `target`: linked from a verified file where the file system can, else cloned or
 * copied. What is there already is used when it is right and replaced when it is not. The file
 * appears whole or not at all; the caller syncs the folder.
 * @param scratch a folder on the same file system for what is half-written
 * @returns whether bytes had to be put there
 */
export async function placeBlob(
  blob: Blob,
  target: string,
  scratch: string,
  signal?: AbortSignal,
): Promise<boolean> {
  if (await isIntact(target, blob)) return false
  const temporary = join(scratch, randomUUID())
  try {
    await mkdir(dirname(target), { recursive: true })
    const linked =
      blob.path !== undefined && blob.verified === true && (await linkOrClone(blob.path, temporary))
    if (!linked) await saveBlob(blob, temporary, signal)
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true })
    throw diskError(error, target)
  }
  return true
}

async function isIntact(target: string, blob: Blob): Promise<boolean> {
  const found = await lstat(target).catch(() => undefined)
  if (found === undefined) return false
  if (found.isFile() && found.size === blob.descriptor.size) {
    const bytes = verifiedBytes(
      createReadStream(target, { highWaterMark: 1024 * 1024 }),
      blob.descriptor,
    )
    const intact = await drain(bytes).catch(() => false)
    if (intact) return true
  }
  // What is a file is replaced when the right one is there.
  if (found.isDirectory()) await rm(target, { force: true, recursive: true })
  return false
}

async function drain(bytes: AsyncIterable<Uint8Array>): Promise<true> {
  for await (const _ of bytes);
  return true
}

/** One more name for the same bytes, or a clone that shares them. False when the file system can do neither. */
async function linkOrClone(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch {
    // another file system, or one without hard links
  }
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL)
  } catch {
    return false
  }
  const file = await open(to, 'r')
  await file.sync().finally(() => file.close())
  return true
}
