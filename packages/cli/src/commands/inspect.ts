import {
  type Annotations,
  blobOf,
  type Descriptor,
  familiarReference,
  formatPlatform,
  GraphBudget,
  type ImageConfig,
  type ImageSource,
  imageConfigIn,
  isConfigType,
  isDocumentType,
  isIndexType,
  namesOf,
  OrchError,
  parseReference,
  readBlob,
  readDocument,
  referenceOf,
} from '@orch/oci'
import { imageTree, type TreeNode, useColor } from '@orch/report'
import type { Command } from 'commander'
import { addInsecure, withImage } from '../open-image.ts'
import type { Runner } from '../runner.ts'
import type { Session } from '../session.ts'

/** A node of the tree, with what `--json` says beside: annotations of documents, and configs whole. */
interface InspectNode extends TreeNode {
  readonly annotations?: Annotations
  readonly config?: ImageConfig
  /** The medium does not hold this blob. */
  readonly missing?: true
}

/** `orch inspect`: the tree below an image. */
export function addInspect(program: Command, run: Runner): void {
  const command = program
    .command('inspect')
    .description(
      'print the tree of an image: index, manifests, configs and layers with their sizes',
    )
    .argument(
      '<source>',
      'such as example.com/x:1, oci:dist/oci, oci:dist/oci:name, oci-archive:x.tar, docker-archive:x.tar, containerd:[namespace/]name, docker-daemon:name, static',
    )
    .option('--json', 'print the tree as JSON, with annotations and configs')
  addInsecure(command).action(run(inspect))
}

async function inspect(
  session: Session,
  source: string,
  options: { json?: boolean; insecure?: boolean },
): Promise<number> {
  const { insecure } = options
  return withImage(session, source, { whole: true, insecure }, async image => {
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
  if (!isDocumentType(descriptor.mediaType)) return blobNode(image, descriptor)
  const node = nodeOf(descriptor, isIndexType(descriptor.mediaType) ? 'index' : 'manifest')
  // What is met again is shown again, but not what lies below it.
  if (!budget.visit(descriptor, depth)) return shownAbove(node)
  const document = await ifThere(readDocument(image.content, descriptor, signal))
  if (document === undefined) return missing(node)
  if (document.kind === 'index') {
    const children: InspectNode[] = []
    for (const child of document.index.manifests) {
      children.push(await treeOf(image, child, budget, signal, depth + 1))
    }
    return { ...node, ...annotated(document.index), children }
  }
  const { config, layers } = document.manifest
  const children = [await configNode(image, config, signal)]
  for (const layer of layers) children.push(await blobNode(image, layer, 'layer'))
  return { ...node, ...annotated(document.manifest), children }
}

async function configNode(
  image: ImageSource,
  config: Descriptor,
  signal: AbortSignal,
): Promise<InspectNode> {
  const node = await blobNode(image, config, 'config')
  if (node.missing === true || !isConfigType(config.mediaType)) return node
  const bytes = await readBlob(await blobOf(image.content, config), { signal })
  const parsed = imageConfigIn(bytes, `config ${config.digest}`)
  return parsed === undefined ? node : { ...node, config: parsed }
}

async function blobNode(
  image: ImageSource,
  descriptor: Descriptor,
  label = 'blob',
): Promise<InspectNode> {
  const node = nodeOf(descriptor, label)
  return (await ifThere(blobOf(image.content, descriptor))) === undefined ? missing(node) : node
}

function shownAbove(node: InspectNode): InspectNode {
  return { ...node, note: node.note === undefined ? 'shown above' : `${node.note} (shown above)` }
}

function missing(node: InspectNode): InspectNode {
  const note = node.note === undefined ? 'missing' : `${node.note}, missing`
  return { ...node, note, missing: true }
}

/** Undefined for what its medium does not hold: the tree shows the rest. */
async function ifThere<T>(wanted: Promise<T>): Promise<T | undefined> {
  return wanted.catch((error: unknown) => {
    if (error instanceof OrchError && error.code === 'BLOB_MISSING') return undefined
    throw error
  })
}

function annotated({ annotations }: { readonly annotations?: Annotations }): Partial<InspectNode> {
  return annotations === undefined ? {} : { annotations }
}

function nodeOf(descriptor: Descriptor, label = 'blob'): InspectNode {
  const { mediaType, digest, size, platform } = descriptor
  const reference = referenceOf(descriptor)
  // Else the name may be a bare tag, or free text.
  const note =
    reference === undefined
      ? namesOf(descriptor).at(-1)
      : familiarReference(parseReference(reference))
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
