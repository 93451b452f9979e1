import { compile } from './compile.ts'
import { exportImage } from './export.ts'
import { fetch } from './fetch.ts'
import { index } from './index-stage.ts'
import { layer } from './layer.ts'
import { manifest } from './manifest.ts'
import { resolvePlatforms } from './resolve-platforms.ts'

/**
 * The pipeline as a table: each stage with the hook that it runs, what it takes, and what it makes.
 * Building leaves `fetch` out; fetching ends with it.
 *
 * | stage            | per    | takes                    | makes              |
 * |------------------|--------|--------------------------|--------------------|
 * | resolvePlatforms | image  | `Bases`                  | `Platform[]`       |
 * | fetch            | image  | `Bases`                  | `FetchedBase[]`    |
 * | compile          | target | `Target`                 | `Compiled`         |
 * | layer            | target | `Compiled` (in context)  | `Layered`          |
 * | manifest         | target | `Layered`                | `BuiltManifest`    |
 * | index            | image  | `BuiltManifest[]`        | `BuiltImage`       |
 * | export           | image  | `Image`                  | `Exported`         |
 */
export const stages: {
  readonly resolvePlatforms: typeof resolvePlatforms
  readonly fetch: typeof fetch
  readonly compile: typeof compile
  readonly layer: typeof layer
  readonly manifest: typeof manifest
  readonly index: typeof index
  readonly export: typeof exportImage
} = { resolvePlatforms, fetch, compile, layer, manifest, index, export: exportImage }
