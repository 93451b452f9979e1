import type { Blob, DirectoryEntry, Entry } from '@orch/oci'
import { usersSecurityDescriptor } from './windows.ts'

/** How a program stands in an image. */
export interface Placement {
  readonly entries: readonly Entry[]
  /** As the container sees it. */
  readonly path: string
  /** The folder that holds it, as the container sees it. */
  readonly folder: string
}

/**
 * Folders at the root that bases have, sometimes as symlinks: an entry for one of them, or for a folder
 * below, would take the place of the base's own.
 */
const ofBases = new Set(
  'bin boot dev etc home lib lib32 lib64 media mnt opt proc root run sbin srv sys tmp usr var'.split(
    ' ',
  ),
)

/**
 * Places a program in an image.
 * @param path absolute, with `/`; on Windows it starts at `C:\` and ends in `.exe`
 */
export function place(binary: Blob, path: string, os: string): Placement {
  if (os === 'windows') return placeOnWindows(binary, path)
  const parts = path.split('/').filter(part => part !== '')
  const folders = ofBases.has(parts[0] ?? '') ? [] : foldersAbove(parts)
  return {
    entries: [
      ...folders.map(folder => directory(folder)),
      { type: 'file', path: parts.join('/'), mode: 0o555, content: binary },
    ],
    path: `/${parts.join('/')}`,
    folder: `/${parts.slice(0, -1).join('/')}`,
  }
}

/** A layer of Windows keeps its files below `Files`, and must have `Hives` beside it. */
function placeOnWindows(binary: Blob, path: string): Placement {
  const named = /\.exe$/i.test(path) ? path : `${path}.exe`
  const parts = named.split('/').filter(part => part !== '')
  const pax = { 'MSWINDOWS.rawsd': usersSecurityDescriptor() }
  return {
    entries: [
      directory('Files'),
      directory('Hives'),
      ...foldersAbove(parts).map(folder => ({ ...directory(`Files/${folder}`), pax })),
      { type: 'file', path: `Files/${parts.join('/')}`, mode: 0o555, content: binary, pax },
    ],
    path: `C:\\${parts.join('\\')}`,
    folder: `C:\\${parts.slice(0, -1).join('\\')}`,
  }
}

function foldersAbove(parts: readonly string[]): string[] {
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join('/'))
}

function directory(path: string): DirectoryEntry {
  return { type: 'directory', path, mode: 0o755 }
}
