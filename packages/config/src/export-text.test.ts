import { UsageError } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { parseExport } from './export-text.ts'

describe('parseExport', () => {
  it.each([
    ['layout', { exporter: 'layout', options: {} }],
    ['layout,dest=out', { exporter: 'layout', options: { dest: 'out' } }],
    ['x,dest=a=b,empty=', { exporter: 'x', options: { dest: 'a=b', empty: '' } }],
    ['x,dest="a,b",c=d', { exporter: 'x', options: { dest: 'a,b', c: 'd' } }],
    ['x,"dest=a,b"', { exporter: 'x', options: { dest: 'a,b' } }],
    ['x,say="he said ""no"""', { exporter: 'x', options: { say: 'he said "no"' } }],
    [' x , dest=out', { exporter: 'x', options: { dest: 'out' } }],
  ])('reads %s', (text, expected) => {
    expect(parseExport(text)).toEqual(expected)
  })

  it.each([
    ['', '"" is not an export: it names no exporter'],
    [',dest=x', '",dest=x" is not an export: it names no exporter'],
    ['dest=x', '"dest=x" is not an export: it begins with an option; expected the exporter first'],
    ['x,dest', '"x,dest" is not an export: expected key=value, got "dest"'],
    ['x,=1', '"x,=1" is not an export: expected key=value, got "=1"'],
    ['x,', '"x," is not an export: expected key=value, got ""'],
    ['x,a=1,a=2', '"x,a=1,a=2" is not an export: the option a is there twice'],
    ['x,a="b', String.raw`"x,a=\"b" is not an export: a double quote is not closed`],
  ])('refuses %s', (text, message) => {
    expect(() => parseExport(text)).toThrow(
      expect.objectContaining({ code: 'EXPORT_INVALID', message, name: UsageError.name }),
    )
  })

  it('shows the quotes to who wrote a list without them', () => {
    expect(() => parseExport('x,platforms=linux/amd64,linux/arm64')).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('got "linux/arm64"'),
        hint: expect.stringContaining(`'x,"platforms=linux/amd64,linux/arm64"'`),
      }),
    )
    expect(() => parseExport('x,a=1,b=2,3,4,c=5')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining(`'x,"b=2,3,4"'`) }),
    )
    expect(() => parseExport('docker:x,foo')).toThrow(
      expect.objectContaining({ hint: 'Write docker:x[,key=value…].' }),
    )
  })

  it('keeps an option named __proto__ an option', () => {
    expect(Object.entries(parseExport('x,__proto__=1').options)).toEqual([['__proto__', '1']])
  })
})
