import fc from 'fast-check'

const unit: fc.Arbitrary<string> = fc
  .oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map(code => String.fromCodePoint(code))

/** Text of any characters. fast-check's own unit `binary` is the same and takes a second to be made. */
export const anyText: fc.Arbitrary<string> = fc.string({ unit })
