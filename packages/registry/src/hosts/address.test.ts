import { describe, expect, it } from 'vitest'
import { isLoopbackHost, mayReach, reachOf } from './address.ts'

describe('an address lies', () => {
  it.each([
    ['8.8.8.8', 'public'],
    ['2606:4700::1111', 'public'],
    ['64:ff9b::808:808', 'public'],
    ['10.0.0.1', 'private'],
    ['172.31.0.1', 'private'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fd12::1', 'private'],
    ['::ffff:10.0.0.1', 'private'],
    ['64:ff9b::a00:1', 'private'],
    ['2002:a00:1::', 'private'],
    ['127.0.0.1', 'loopback'],
    ['0.0.0.0', 'loopback'],
    ['::1', 'loopback'],
    ['::', 'loopback'],
    ['[::1]', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::7f00:1', 'loopback'],
    ['169.254.169.254', 'local'],
    ['::ffff:a9fe:a9fe', 'local'],
    ['fe80::1%eth0', 'local'],
    ['fd00:ec2::254', 'local'],
    ['168.63.129.16', 'local'],
    ['224.0.0.1', 'local'],
    ['no address', 'local'],
  ])('%s: %s', (address, reach) => expect(reachOf(address)).toBe(reach))

  it('and a registry may send to public ones, to its own kind, and from this machine to private ones', () => {
    const kinds = ['public', 'private', 'loopback', 'local'] as const
    const allowed = kinds.map(from => kinds.filter(to => mayReach(from, to)).join(' '))
    expect(allowed).toEqual(['public', 'public private', 'public private loopback', 'public local'])
  })

  it('and these names mean this machine', () => {
    const names = [
      'localhost',
      'a.LOCALHOST',
      '127.9.9.9',
      '[::1]',
      'localhost.example',
      '10.0.0.1',
    ]
    expect(names.filter(isLoopbackHost)).toEqual(names.slice(0, 4))
  })
})
