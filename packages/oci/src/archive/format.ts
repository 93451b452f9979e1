/** The two kinds of image archive: an OCI layout in a tar, and what `docker save` writes. */
export type ArchiveFormat = 'oci' | 'docker'

/** One image in a docker archive's `manifest.json` (moby, image/tarexport). */
export interface DockerManifestItem {
  readonly Config: string
  readonly RepoTags: readonly string[] | null
  readonly Layers: readonly string[]
}
