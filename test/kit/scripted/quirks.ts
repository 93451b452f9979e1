/** How a scripted registry differs from one that does everything the specification offers, all the time. */
export interface Quirks {
  /**
   * What chunks (PATCH) meet. `discarded`: each is answered 201 and only the first is kept (ECR).
   * `refused`: 405 (Artifact Registry, as far as it says so). By default they are appended, and 202.
   */
  chunks?: 'discarded' | 'refused' | undefined
  /** The answer to a chunk that was taken, 202; 201 and 204 are seen too. */
  patchStatus?: 201 | 202 | 204 | undefined
  /** The answer to an upload that was finished, 201; 204 is seen too. */
  putStatus?: 201 | 204 | undefined
  /** OCI-Chunk-Min-Length: a chunk that is smaller is the last, another after it is answered 416. */
  minChunk?: number | undefined
  /** Bodies of uploads above this are answered 413, as by a proxy in front of a registry. */
  maxBody?: number | undefined
  /** How Locations of uploads are written; `absolute` by default. `portless` forgets the port, as behind some proxies. */
  location?: 'absolute' | 'relative' | 'portless' | undefined
  /** Location's query has what re-encoding changes (`%2F`, `+`, `=`, `%7e`), and must come back byte by byte. */
  rawState?: boolean | undefined
  /** A Location is good for one request; then it is unknown (GCR). */
  singleUse?: boolean | undefined
  /** An upload's status (GET) is unknown: it cannot be resumed. */
  noStatus?: boolean | undefined
  /** What came before a drop is forgotten. By default it is kept. */
  forgetsDrops?: boolean | undefined
  /**
   * `from-only`: a mount without `from` is an error (Quay). `never`: 202, upload it yourself. A number: every
   * mount is answered so. By default a blob of another repository is mounted, and without `from` any blob is.
   */
  mount?: 'from-only' | 'never' | number | undefined
  /** Mounting asks the token for `pull` on the source too (Docker Hub); otherwise 202. */
  mountNeedsPull?: boolean | undefined

  /** What a Range meets: everything anyway (200), the wrong part (206), or 416. */
  range?: 'ignored' | 'wrong' | 'refused' | undefined
  /** Blobs are answered 307 to this origin's `/storage/<digest>`, which refuses requests with Authorization (S3). */
  blobsAt?: string | undefined
  /** No Docker-Content-Digest: `head` only there, `always` also with GET and PUT. */
  noDigest?: 'head' | 'always' | undefined
  /** Removing is answered 405: everything, or only tags. */
  noDelete?: 'all' | 'tags' | undefined
  /** What MANIFEST_BLOB_UNKNOWN tells of the digest: bare (distribution), in an object, or nothing. */
  unknownDetail?: 'bare' | 'object' | 'none' | undefined
  /** Manifests are taken without a look at what they name. */
  isGullible?: boolean | undefined
  /** Manifests have an ETag, and If-Match is honoured (412). */
  etags?: boolean | undefined

  /** There is no referrers API: 404. */
  noReferrers?: boolean | undefined
  /** OCI-Subject is answered to a manifest with a subject; by default when there is the API. */
  announcesSubject?: boolean | undefined
  /** `artifactType` is honoured, and said so (OCI-Filters-Applied). */
  filters?: boolean | undefined

  /** Items of a page at most, whatever `n` is. */
  pageSize?: number | undefined
  /** What Link says: by default the next page, relative. `loop`: this page again. `endless`: always another. */
  links?: 'absolute' | 'loop' | 'endless' | { readonly to: string } | undefined

  /** Sent as 299 with every answer. */
  warnings?: readonly string[] | undefined
  /** WWW-Authenticate instead of its own. */
  challenge?: string | readonly string[] | undefined
  /** A token is good for so many requests. */
  tokenUses?: number | undefined
}

/** Whom the quirks are known from. */
export const imitations: Readonly<
  Record<'ecr' | 'gar' | 'gcr' | 'quay' | 'dockerHub' | 'ghcr', Quirks>
> = {
  /** PATCH is answered 201 and what comes after the first is lost; OCI-Subject is said, the API is not there. */
  ecr: { chunks: 'discarded', patchStatus: 201, noReferrers: true, announcesSubject: true },
  /** Google's Artifact Registry: whole blobs only, each Location once. */
  gar: { chunks: 'refused', singleUse: true },
  /** Google's older registry: each Location once, and no way to ask how far an upload came. */
  gcr: { singleUse: true, noStatus: true, noReferrers: true },
  /** Red Hat's: a mount must say where from. */
  quay: { mount: 'from-only', location: 'relative' },
  /** Docker's: a mount needs to read the source; old manifests alone, blobs from elsewhere. */
  dockerHub: { mountNeedsPull: true, noReferrers: true, noDelete: 'all' },
  /** GitHub's: no referrers, no resuming. */
  ghcr: { noReferrers: true, noStatus: true },
}
