import type { HostSettings } from '@orch/registry'

/**
 * What a host is spoken to with when safety is waived: plain HTTP. One on this machine is asked which of
 * the two it speaks, and then any certificate does.
 */
export function insecureSettings(domain: string): HostSettings {
  const isHere = /^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/.test(domain)
  return isHere ? { skipVerify: true } : { plainHttp: true, skipVerify: true }
}
