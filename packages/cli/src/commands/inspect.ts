import {
  type Annotations,
  blobOf,
  type Descriptor,
  formatPlatform,
  GraphBudget,
  type ImageConfig,
  type ImageSource,
  isConfigType,
  isDocumentType,
  namesOf,
  parseImageConfig,
  readBlob,
  readDocument,
} from '@orch/oci'
import { imageTree, type TreeNode, useColor } from '@orch/report'
import type { Command } from 'commander'
import type { Runner } from '../runner.ts'
import { type Session, withSources } from '../session.ts'

/** A node of the tree, with what `--json` says beside: annotations of documents, and configs whole. */
interface InspectNode extends TreeNode {
  readonly annotations?: Annotations
  readonly config?: ImageConfig
}

/** `orch inspect`: the tree below an image. */
export function addInspect(program: Command, run: Runner): void {
  program
    .command('inspect')
    .description(
      'print the tree of an image: index, manifests, configs and layers with their sizes',
    )
    .argument(
      '<source>',
      'such as oci:dist/oci, oci:dist/oci:name, oci-archive:x.tar, docker-archive:x.tar, static',
    )
    .option('--json', 'print the tree as JSON, with annotations and configs')
    .action(run(inspect))
}

async function inspect(
  session: Session,
  source: string,
  options: { json?: boolean },
): Promise<number> {
  return withSources(session, async orch => {
    const image = await orch.open(source, { whole: true })
    const budget = new GraphBudget(image.root, { maxNodes: 10_000 })
    const tree = await treeOf(image, image.root, budget, session.interruption.signal)
    if (options.json === true) session.print(JSON.stringify(tree, null, 2))
    else
      for (const line of imageTree(tree, { color: useColor(process.stdout, process.env) }))
        session.print(line)
    return 0
  })
}

async function treeOf(
  image: ImageSource,
  descriptor: Descriptor,
  budget: GraphBudget,
  signal: AbortSignal,
  depth = 0,
): Promise<InspectNode> {
  const node = nodeOf(descriptor)
  if (!isDocumentType(descriptor.mediaType)) return node
  // What is met again is shown again, but not what lies below it.
  if (!budget.visit(descriptor, depth)) return { ...node, note: 'shown above' }
  const document = await readDocument(image.content, descriptor, signal)
  if (document.kind === 'index') {
    const children: InspectNode[] = []
    for (const child of document.index.manifests) {
      children.push(await treeOf(image, child, budget, signal, depth + 1))
    }
    return { ...node, label: 'index', ...annotated(document.index), children }
  }
  const { config, layers } = document.manifest
  const settings = isConfigType(config.mediaType)
    ? { config: parseImageConfig(await readBlob(await blobOf(image.content, config), { signal })) }
    : {}
  const children = [
    { ...nodeOf(config, 'config'), ...settings },
    ...layers.map(layer => nodeOf(layer, 'layer')),
  ]
  return { ...node, label: 'manifest', ...annotated(document.manifest), children }
}

function annotated({ annotations }: { readonly annotations?: Annotations }): Partial<InspectNode> {
  return annotations === undefined ? {} : { annotations }
}

function nodeOf(descriptor: Descriptor, label = 'blob'): InspectNode {
  const { mediaType, digest, size, platform } = descriptor
  const note = namesOf(descriptor).at(-1)
  return {
    label,
    mediaType,
    digest,
    size,
    ...(platform === undefined ? {} : { platform: formatPlatform(platform) }),
    ...(note === undefined ? {} : { note }),
    children: [],
  }
}
