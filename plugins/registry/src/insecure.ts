import type { HostSettings } from '@orch/registry'

/** What a host is spoken to with when safety is waived: HTTPS with any certificate, else plain HTTP. */
export const insecureSettings: HostSettings = { plainHttp: true, skipVerify: true }
