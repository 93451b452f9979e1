import { formatCount, formatSize } from './format.ts'
import { painter } from './style.ts'
import { visible } from './text.ts'

/** One document or blob of an image, and what lies below it. */
export interface TreeNode {
  /** What it is to its parent: `index`, `config`, `layer 1`. */
  readonly label: string
  readonly mediaType: string
  readonly digest: string
  /** Bytes. */
  readonly size: number
  /** `os/arch[/variant]`. */
  readonly platform?: string
  /** Anything else worth saying, such as a reference or an annotation. */
  readonly note?: string
  readonly children: readonly TreeNode[]
}

export interface TreeOptions {
  readonly color: boolean
}

/**
 * Draws a graph as lines: box characters, label and platform, size, digest, media type, note, in
 * columns. The last line is the total, where a blob that is met twice counts once.
 */
export function imageTree(root: TreeNode, { color }: TreeOptions): string[] {
  const paint = painter(color)
  const drawn = [...branches(root, '', '')]
  const width = Math.max(...drawn.map(({ text }) => [...text].length))
  const sizes = drawn.map(({ node }) => formatSize(node.size))
  const sizeWidth = Math.max(...sizes.map(text => text.length))
  const lines = drawn.map(({ node, text }, at) =>
    [
      text.padEnd(width),
      (sizes[at] ?? '').padStart(sizeWidth),
      paint('cyan', visible(node.digest)),
      paint('dim', visible(node.mediaType)),
      visible(node.note ?? ''),
    ]
      .join('  ')
      .trimEnd(),
  )
  const distinct = new Map(drawn.map(({ node }) => [node.digest, node.size]))
  const total = [...distinct.values()].reduce((sum, size) => sum + size, 0)
  return [...lines, `total ${formatSize(total)} in ${formatCount(distinct.size, 'blob')}`]
}

interface Branch {
  readonly node: TreeNode
  /** The lines that lead to it, its label, its platform. */
  readonly text: string
}

/** @param lead what stands before the node's own label, @param below what stands before its children's */
function* branches(node: TreeNode, lead: string, below: string): Generator<Branch> {
  const platform = node.platform === undefined ? '' : ` ${visible(node.platform)}`
  yield { node, text: `${lead}${visible(node.label)}${platform}` }
  for (const [at, child] of node.children.entries()) {
    const last = at === node.children.length - 1
    yield* branches(child, `${below}${last ? '└─ ' : '├─ '}`, `${below}${last ? '   ' : '│  '}`)
  }
}
