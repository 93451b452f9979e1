// Written by scripts/snapshot.ts; see README.md.
/** Where the content of the static base comes from: `node` and its `tls.rootCertificates`, Debian's package `tzdata`. */
export const versions = {
  node: '24.21.0',
  certificates: 121,
  tzdata: '2026f-0+deb12u1',
} as const
