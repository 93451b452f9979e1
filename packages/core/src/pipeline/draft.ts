import {
  type Annotations,
  type ImageConfig,
  type Platform,
  type RuntimeConfig,
  sortedRecord,
} from '@orch/oci'
import type { Base, ManifestDraft } from '../types/build.ts'
import type { CompiledContext } from '../types/context.ts'
import type { ImagePlan } from '../types/plan.ts'
import { createdAt } from './layer.ts'

type Under = Pick<Base, 'config' | 'layers' | 'annotations'> | undefined

/** The manifest of a target before plugins see it: the base's config, the builder's over it, the project file's over both. */
export function draftFor(under: Under, context: CompiledContext): ManifestDraft {
  const { compiled, target } = context
  const { rootfs: _rootfs, history: _history, ...inherited } = under?.config ?? emptyConfig
  if (compiled.kind === 'image') {
    const draft = { config: inherited, annotations: under?.annotations ?? {} }
    return withPlan(draft, target.image)
  }
  const config: ManifestDraft['config'] = {
    ...inherited,
    ...platformFields(target.platform, inherited),
    created: createdAt(context),
    config: mergeRuntime(inherited.config ?? {}, compiled.config),
  }
  return withPlan({ config, annotations: baseAnnotations(target.base) }, target.image)
}

const emptyConfig: ImageConfig = {
  os: '',
  architecture: '',
  rootfs: { type: 'layers', diff_ids: [] },
}

/** The target's platform, with what only the base knows: the version of Windows. */
function platformFields(platform: Platform, inherited: Platform): Platform {
  const version = inherited['os.version']
  return { ...(version === undefined ? {} : { 'os.version': version }), ...platform }
}

/** The builder's settings over the base's. A new entrypoint drops the command that belonged to the old one. */
function mergeRuntime(base: RuntimeConfig, over: RuntimeConfig): RuntimeConfig {
  const { Cmd: baseCmd, ...rest } = base
  const keepsCmd = over.Entrypoint === undefined && baseCmd !== undefined
  const Env = mergeEnv(base.Env ?? [], over.Env ?? [])
  const Labels = { ...base.Labels, ...over.Labels }
  return {
    ...rest,
    ...(keepsCmd ? { Cmd: baseCmd } : {}),
    ...over,
    ...(Env.length === 0 ? {} : { Env }),
    ...(Object.keys(Labels).length === 0 ? {} : { Labels: sortedRecord(Labels) }),
  }
}

/** `NAME=value` lists merged by name, in the order of first mention. */
function mergeEnv(base: readonly string[], over: readonly string[]): readonly string[] {
  return [...new Map([...base, ...over].map(item => [item.split('=', 1)[0], item])).values()]
}

function withPlan(draft: ManifestDraft, { config, labels, annotations }: ImagePlan): ManifestDraft {
  const { entrypoint, cmd, env, user, workdir } = config
  const over: RuntimeConfig = {
    ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
    ...(cmd === undefined ? {} : { Cmd: cmd }),
    ...(env === undefined
      ? {}
      : { Env: Object.entries(env).map(([name, value]) => `${name}=${value}`) }),
    ...(user === undefined ? {} : { User: user }),
    ...(workdir === undefined ? {} : { WorkingDir: workdir }),
    ...(Object.keys(labels).length === 0 ? {} : { Labels: labels }),
  }
  return {
    config:
      Object.keys(over).length === 0
        ? draft.config
        : { ...draft.config, config: mergeRuntime(draft.config.config ?? {}, over) },
    annotations: { ...draft.annotations, ...annotations },
  }
}

/** What the image stands on (image-spec, annotations.md). */
export function baseAnnotations(base: Base | undefined): Annotations {
  if (base === undefined) return {}
  return {
    'org.opencontainers.image.base.digest': base.digest,
    'org.opencontainers.image.base.name': base.name,
  }
}
