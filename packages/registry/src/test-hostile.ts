import fc from 'fast-check'

/** What a hostile registry may write into a header: addresses of `other`, challenges, the credentials it was told. */
export function hostileText({
  other,
  password,
  basic,
}: {
  readonly other: string
  readonly password: string
  readonly basic: string
}): fc.Arbitrary<string> {
  const pieces = [
    ...[other, '//evil.example', 'http://169.254.169.254/', `http://alice:${password}@`],
    ...['/', '?', '@', '#', '"', ',', '=', '\\', 'Bearer realm=', 'Basic ', 'scope=', '299 - "'],
    ...[password, basic],
  ]
  const byte = fc
    .integer({ min: 0x21, max: 0xff })
    .filter(code => code < 0x7f || code > 0x9f)
    .map(code => String.fromCharCode(code))
  const piece = fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: byte, maxLength: 8 }))
  const lead = fc.constantFrom('', '/', other, `Bearer realm="${other}`, 'Bearer realm=', '299 - "')
  return fc
    .tuple(lead, fc.array(piece, { maxLength: 8 }))
    .map(([first, parts]) => `${first}${parts.join('')}`)
}
