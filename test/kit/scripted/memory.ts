import { createHash } from 'node:crypto'

/** A manifest or index as it was put. */
export interface StoredManifest {
  readonly mediaType: string
  readonly bytes: Buffer
}

/** What a scripted registry keeps of one repository. */
export interface StoredRepository {
  /** By digest. */
  readonly blobs: Map<string, Buffer>
  readonly manifests: Map<string, StoredManifest>
  /** Digests by tag. */
  readonly tags: Map<string, string>
}

/** An upload that was begun and neither finished nor given up. */
export interface Upload {
  readonly repository: string
  parts: Buffer[]
  length: number
  /** Counts its Locations. */
  turn: number
  chunks: number
  /** A chunk below the smallest has come: there may be no other. */
  isLast: boolean
}

/** All that a scripted registry keeps. */
export class Memory {
  readonly repositories: Map<string, StoredRepository> = new Map()
  /** By their IDs. */
  readonly uploads: Map<string, Upload> = new Map()

  /** A repository, made when it is not there. */
  repository(name: string): StoredRepository {
    const known = this.repositories.get(name)
    if (known !== undefined) return known
    const fresh = { blobs: new Map(), manifests: new Map(), tags: new Map() }
    this.repositories.set(name, fresh)
    return fresh
  }

  /** A blob wherever it is. */
  blob(digest: string): Buffer | undefined {
    for (const { blobs } of this.repositories.values()) {
      const found = blobs.get(digest)
      if (found !== undefined) return found
    }
    return undefined
  }
}

/** `sha256:…` of the bytes. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
