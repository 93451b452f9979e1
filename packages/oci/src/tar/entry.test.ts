import { describe, expect, it } from 'vitest'
import { blobFromBytes } from '../blob/blob.ts'
import { cleanPath, type Entry, normalizeEntries } from './entry.ts'

const content = blobFromBytes(Buffer.from('x'), 'application/octet-stream')
const file = (path: string): Entry => ({ type: 'file', path, content })
const directory = (path: string): Entry => ({ type: 'directory', path })
const link = (path: string, target = 'x'): Entry => ({ type: 'symlink', path, target })
const paths = (...entries: Entry[]): string[] => normalizeEntries(entries).map(entry => entry.path)
const refusal = (text: string): unknown =>
  expect.objectContaining({ code: 'LAYER_ENTRY_INVALID', message: expect.stringContaining(text) })

describe('the path of an entry', () => {
  it.each([
    ['/app/server', 'app/server'],
    ['./app//server/', 'app/server'],
    ['app/./x', 'app/x'],
    ['..app/x..', '..app/x..'],
    ['a\\..\\b', 'a\\..\\b'],
  ])('%s is %s', (path, expected) => {
    expect(cleanPath(path)).toBe(expected)
  })

  it.each([
    ['', 'is the root'],
    ['/', 'is the root'],
    ['./.', 'is the root'],
    ['../etc/passwd', 'leaves the root'],
    ['app/../../etc', 'leaves the root'],
    ['app/..', 'leaves the root'],
    ['a\0b', 'NUL byte'],
    ['a\ud800', 'not Unicode text'],
  ])('%j is refused', (path, why) => {
    expect(() => cleanPath(path)).toThrow(refusal(why))
  })
})

describe('the entries of a layer', () => {
  it('are sorted by bytes, directories before what they hold', () => {
    expect(paths(file('b'), file('a/z'), file('a.txt'), directory('a'), file('a/b/c'))).toEqual([
      'a',
      'a.txt',
      'a/b/c',
      'a/z',
      'b',
    ])
    // Code units would put the pair of surrogates first.
    expect(paths(file('\u{1f600}'), file('\uff5e'))).toEqual(['\uff5e', '\u{1f600}'])
  })

  it('may lie below directories that nobody named', () => {
    expect(paths(file('a/b/c'), directory('a/b'))).toEqual(['a/b', 'a/b/c'])
  })

  it.each([
    ['given twice', [file('a'), directory('/a/')]],
    ['below a file', [file('a'), file('a/b')]],
    ['below a link, which could lead anywhere', [link('a', '/etc'), file('a/b/passwd')]],
    ['far below a link', [file('a/b/c/d'), link('a/b')]],
  ])('are refused when one is %s', (_why, entries) => {
    expect(() => normalizeEntries(entries)).toThrow(refusal('layer entry'))
  })

  it.each([
    ['', 'is a symbolic link to nothing'],
    ['a\0b', 'NUL byte'],
    ['\udc00', 'not Unicode text'],
  ])('are refused with a link to %j', (target, why) => {
    expect(() => normalizeEntries([link('a', target)])).toThrow(refusal(why))
  })

  it('may link out of the root, where a container ends up at its own root', () => {
    expect(paths(link('etc/localtime', '../../../usr/share/zoneinfo/UTC'))).toEqual([
      'etc/localtime',
    ])
  })

  it.each(['path', 'linkpath', 'size', 'uid', 'GNU.sparse.name', 'a=b', '', 'a\0'])(
    'are refused with the PAX record %j',
    key => {
      expect(() => normalizeEntries([{ ...file('a'), pax: { [key]: '1' } }])).toThrow(
        refusal('PAX record'),
      )
    },
  )

  it('may have PAX records of their own', () => {
    const entry = {
      ...file('a'),
      pax: { 'MSWINDOWS.rawsd': 'AQAA', 'SCHILY.xattr.user.x': 'a\0b' },
    }
    expect(normalizeEntries([entry])).toEqual([entry])
  })
})
