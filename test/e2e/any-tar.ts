import fc from 'fast-check'
import {
  gnuMagic,
  longEntry,
  paxEntry,
  type RawEntry,
  rawTar,
  sealHeader,
} from '../../packages/oci/src/archive/test-tar.ts'

const names = ['a', 'b', 'index.json', './d/e', '../up', 'n'.repeat(100), '\xc3\xa9', '\xff', '']
const contents = ['', 'x', 'y'.repeat(511), 'z'.repeat(512), 'w'.repeat(1300)]
const sizes = [
  '00000000003\0',
  '00000001000\0',
  '         1 \0',
  '\0'.repeat(12),
  '777777777777',
  '0000003\x0000001',
  `\x80${'\0'.repeat(9)}\x02\0`,
  `\x80${'\xff'.repeat(11)}`,
  `\x81${'\0'.repeat(10)}\x03`,
  '\xff'.repeat(12),
]
const magics = ['ustar\x0000', gnuMagic, '\0'.repeat(8), 'ustar\0  ', 'ustar  1']
const keys = ['path', 'linkpath', 'size', 'uid', 'mtime', 'comment', 'SCHILY.xattr.user.a', '']
const values = [
  'a',
  'n'.repeat(200),
  '3',
  '0',
  '513',
  '-1',
  '+3',
  '03',
  '3z',
  '',
  '1.5',
  ' 3',
  '\0',
]
const sparse = ['major', 'minor', 'name', 'realsize', 'size', 'map', 'numblocks', 'offset']

const text = fc.string({ unit: fc.nat(255).map(byte => String.fromCharCode(byte)), maxLength: 12 })
const name = fc.constantFrom(...names)

/** Mostly nothing: a tar in which all is odd at once is refused for one reason only. */
function rarely<T extends object>(odd: fc.Arbitrary<T>): fc.Arbitrary<T | object> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: odd })
}

const oddHeader = fc.record(
  {
    type: fc.constantFrom('1', '2', '5', '7', 'S', 'Z', '3', '0', '\0'),
    size: fc.constantFrom(...sizes),
    magic: fc.constantFrom(...magics),
    prefix: fc.constantFrom('p', '7'.repeat(12), '\0\0'),
    over: fc.array(fc.tuple(fc.nat(499), text), { maxLength: 2 }),
    signed: fc.boolean(),
  },
  { requiredKeys: [] },
)

const sound: fc.Arbitrary<RawEntry> = fc.oneof(
  fc.record({ name, content: fc.constantFrom(...contents), type: fc.constantFrom('0', '\0') }),
  fc.record({ name, link: name, type: fc.constantFrom('1', '2') }),
  fc.record({ name: fc.constantFrom('d/', 'd', './'), type: fc.constantFrom('5', '\0') }),
)
const records = fc.array(
  fc.oneof(
    { weight: 9, arbitrary: fc.tuple(fc.constantFrom(...keys), fc.constantFrom(...values)) },
    {
      weight: 1,
      arbitrary: fc.tuple(
        fc.constantFrom(...sparse.map(key => `GNU.sparse.${key}`)),
        fc.constantFrom(...values),
      ),
    },
  ),
  { maxLength: 3 },
)
const extended: fc.Arbitrary<RawEntry> = fc.oneof(
  fc.tuple(records, fc.constantFrom('x', 'x', 'g')).map(([all, type]) => paxEntry(all, type)),
  fc.tuple(fc.constantFrom('L', 'K'), name).map(([type, long]) => longEntry(type, long)),
)

const part: fc.Arbitrary<Buffer> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(sound, rarely(oddHeader))
      .map(([entry, odd]) => rawTar({ ...entry, ...odd })),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(extended, rarely(fc.record({ content: text })), sound)
      .map(([entry, odd, next]) => rawTar({ ...entry, ...odd }, next)),
  },
  { weight: 1, arbitrary: extended.map(entry => rawTar(entry)) },
  { weight: 1, arbitrary: fc.constantFrom(512, 1024).map(size => Buffer.alloc(size)) },
)

/** A byte that is changed, and whether the checksum of its block is made right. */
const change = fc.record({ at: fc.nat(1_000_000), to: fc.nat(255), seal: fc.boolean() })

/** Tars of every format, sound and malformed, some with bytes changed or cut off. */
export const anyTar: fc.Arbitrary<Buffer> = fc
  .record({
    parts: fc.array(part, { minLength: 1, maxLength: 5 }),
    changes: fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(change, { minLength: 1, maxLength: 3 }) },
    ),
    cut: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(1500) }),
  })
  .map(({ parts, changes, cut }) => {
    const bytes = Buffer.concat(parts)
    for (const { at, to, seal } of changes) {
      const where = at % bytes.byteLength
      const block = bytes.subarray(where - (where % 512), where - (where % 512) + 512)
      block[where % 512] = to
      if (seal) sealHeader(block)
    }
    return bytes.subarray(0, Math.max(bytes.byteLength - cut, 0))
  })
