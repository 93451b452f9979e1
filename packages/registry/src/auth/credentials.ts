/** How a registry is told who asks. */
export type Credentials =
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  /** A refresh token, changed at the token server for an access token. */
  | { readonly kind: 'identity'; readonly user: string; readonly token: string }
  /** An access token, sent as it is. */
  | { readonly kind: 'registry'; readonly token: string }

/** Credentials and where they came from: `/home/a/.docker/config.json`, or a helper's name. */
export interface Found {
  readonly credentials: Credentials
  readonly origin: string
}

/** The secret part of credentials. */
export function secretOf(credentials: Credentials): string {
  return credentials.kind === 'basic' ? credentials.password : credentials.token
}

/** `user:password` as RFC 7617 sends it. */
export function basicValue(user: string, password: string): string {
  return Buffer.from(`${user}:${password}`, 'utf8').toString('base64')
}
