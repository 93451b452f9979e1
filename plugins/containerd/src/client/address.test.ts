import { expect, it } from 'vitest'
import { parseAddress } from './address.ts'

it.each([
  ['/run/containerd/containerd.sock', '/run/containerd/containerd.sock'],
  ['unix:///run/c.sock', '/run/c.sock'],
  ['unix:/run/c.sock', '/run/c.sock'],
  ['/a folder/with %20 and #.sock', '/a folder/with %20 and #.sock'],
])('%s is the socket %s', (text, path) => {
  expect(parseAddress(text)).toEqual({ kind: 'unix', name: path, path })
})

it.each([
  ['tcp://node-1.example:10010', 'node-1.example', 10010],
  ['tcp://10.0.0.1:443', '10.0.0.1', 443],
  ['tcp://[fd00::1]:10010', 'fd00::1', 10010],
])('%s is the port of a host', (text, host, port) => {
  expect(parseAddress(text)).toEqual({ kind: 'tcp', name: text, host, port })
})

it.each([
  '',
  'containerd.sock',
  './containerd.sock',
  'unix:containerd.sock',
  'unix://containerd.sock',
  'tcp://host',
  'tcp://host:0',
  'tcp://host:99999',
  'tcp://user@host:1',
  'tcp://host:1/path',
  'tcp://host:1?x',
  'tcp:///run/c.sock',
  'http://host:1',
  '/run/c\0.sock',
])('%j is no address', text => {
  expect(() => parseAddress(text)).toThrow(
    expect.objectContaining({ code: 'CONTAINERD_ADDRESS', hint: expect.any(String) }),
  )
})
