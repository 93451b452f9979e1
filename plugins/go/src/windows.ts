/**
 * The security descriptor without which Windows does not run a file of a layer: owner and group are
 * BUILTIN\Users, S-1-5-32-545, and there is no access list (MS-DTYP 2.4.6 and 2.4.2.2, self-relative,
 * little-endian; image-spec, layer.md#platform-specific-attributes). Base64.
 */
export function usersSecurityDescriptor(): string {
  const revision = 1
  const selfRelative = 0x8000
  const users = Buffer.from([1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0])
  const header = Buffer.alloc(20)
  header.writeUInt8(revision, 0)
  header.writeUInt16LE(selfRelative, 2)
  header.writeUInt32LE(header.length, 4)
  header.writeUInt32LE(header.length + users.length, 8)
  return Buffer.concat([header, users, users]).toString('base64')
}
