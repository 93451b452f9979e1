import type { Plugin } from '@orch/core'
import { archive } from '@orch/plugin-archive'
import { containerd } from '@orch/plugin-containerd'
import { docker } from '@orch/plugin-docker'
import { files } from '@orch/plugin-files'
import { go } from '@orch/plugin-go'
import { layout } from '@orch/plugin-layout'
import { registry } from '@orch/plugin-registry'
import { staticBase } from '@orch/plugin-static'

/**
 * The plugins that come with the command, in the order in which they tap. `orch load` prefers Docker: where
 * both are there, the containerd is most often the one below it.
 */
export function defaultPlugins(): readonly Plugin[] {
  return [staticBase(), go(), files(), layout(), archive(), docker(), containerd(), registry()]
}
