import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'

/** Where an address lies, as seen from this machine. `local` is link-local, cloud metadata, multicast. */
export type Reach = 'public' | 'private' | 'loopback' | 'local'

const networks: readonly (readonly [Reach, string])[] = [
  ['loopback', '127.0.0.0/8 0.0.0.0/8 ::1/128 ::/128'],
  // 168.63.129.16, 100.100.100.200 and fd00:ec2::254 answer for the hosts of clouds, as 169.254.169.254 does.
  [
    'local',
    '169.254.0.0/16 168.63.129.16/32 100.100.100.200/32 fd00:ec2::/32 192.0.0.0/24 224.0.0.0/4 240.0.0.0/4 fe80::/10 ff00::/8',
  ],
  [
    'private',
    '10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 198.18.0.0/15 fc00::/7 fec0::/10',
  ],
]

const lists = networks.map(([reach, ranges]) => {
  const list = new BlockList()
  for (const range of ranges.split(' ')) {
    const [net = '', bits] = range.split('/')
    list.addSubnet(net, Number(bits), isIPv4(net) ? 'ipv4' : 'ipv6')
  }
  return { reach, list }
})

/** The reach of an IP address; what is no address counts as `local`, which nothing may be sent to. */
export function reachOf(address: string): Reach {
  const bare = bareHost(address).replace(/%.*$/, '')
  const ip = bare.includes(':') && isIPv6(bare) ? (embeddedIPv4(bare) ?? bare) : bare
  if (isIP(ip) === 0) return 'local'
  const family = isIPv4(ip) ? 'ipv4' : 'ipv6'
  return lists.find(({ list }) => list.check(ip, family))?.reach ?? 'public'
}

/** Whether a registry that was reached at `from` may send us to an address that lies at `to`. */
export function mayReach(from: Reach, to: Reach): boolean {
  if (to === 'public' || to === from) return true
  return to === 'private' && from === 'loopback'
}

/** A URL's hostname without the brackets of IPv6. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}

export function isIp(hostname: string): boolean {
  return isIP(bareHost(hostname)) !== 0
}

/** Whether a name means this machine: `localhost`, a name below it (RFC 6761), or a loopback address. */
export function isLoopbackHost(hostname: string): boolean {
  const bare = bareHost(hostname).toLowerCase()
  if (isIp(bare)) return reachOf(bare) === 'loopback'
  return bare === 'localhost' || bare.endsWith('.localhost')
}

/** The IPv4 address that an IPv6 address carries: mapped, translated (RFC 6052), 6to4. */
function embeddedIPv4(address: string): string | undefined {
  const canonical = bareHost(new URL(`http://[${address}]/`).hostname)
  const [head = '', tail] = canonical.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = !tail ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after].map(group =>
    Number.parseInt(group, 16),
  )
  const start = groups.slice(0, 6).join(':')
  const isMapped = start === '0:0:0:0:0:65535' || start === '100:65435:0:0:0:0'
  const isCompatible = start === '0:0:0:0:0:0' && (groups[6] ?? 0) > 0
  const at = isMapped || isCompatible ? 6 : groups[0] === 0x2002 ? 1 : undefined
  if (at === undefined) return undefined
  const [high = 0, low = 0] = groups.slice(at, at + 2)
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
