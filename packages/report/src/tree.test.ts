import { expect, it } from 'vitest'
import { imageTree, type TreeNode } from './tree.ts'

const plain = { color: false }

function node(label: string, size: number, more: Partial<TreeNode> = {}): TreeNode {
  return { label, mediaType: 'a/b', digest: `sha256:${label}`, size, children: [], ...more }
}

it('draws what lies below what, in columns, and counts a shared blob once', () => {
  const shared = node('layer', 3 * 1024 ** 2, { digest: 'sha256:shared' })
  const manifests = ['linux/amd64', 'linux/arm64'].map((platform, at) =>
    node('manifest', 500, {
      platform,
      digest: `sha256:m${at}`,
      children: [node('config', 1536, { digest: `sha256:c${at}` }), shared],
    }),
  )
  const root = node('index', 800, { note: 'example.com/api:dev', children: manifests })
  expect(imageTree(root, plain)).toEqual([
    'index                      800 B  sha256:index  a/b  example.com/api:dev',
    '├─ manifest linux/amd64    500 B  sha256:m0  a/b',
    '│  ├─ config             1.5 KiB  sha256:c0  a/b',
    '│  └─ layer              3.0 MiB  sha256:shared  a/b',
    '└─ manifest linux/arm64    500 B  sha256:m1  a/b',
    '   ├─ config             1.5 KiB  sha256:c1  a/b',
    '   └─ layer              3.0 MiB  sha256:shared  a/b',
    'total 3.0 MiB in 6 blobs',
  ])
})

it('draws a lone blob', () => {
  expect(imageTree(node('manifest', 10), plain)).toEqual([
    'manifest  10 B  sha256:manifest  a/b',
    'total 10 B in 1 blob',
  ])
})

it('makes control characters of an annotation visible', () => {
  expect(imageTree(node('x', 1, { note: '\u001b[2J' }), plain)[0]).toMatch(/\\x1b\[2J$/)
})

it('colours only when told to', () => {
  expect(imageTree(node('x', 1), { color: true })[0]).toContain('\u001b[36msha256:x\u001b[39m')
})
