import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { certificates } from './certificates.ts'
import type { DockerdVersion } from './dockerd-release.ts'
import { which } from './which.ts'

/** What the configuration of an engine is made of. */
interface Facts {
  readonly version: DockerdVersion
  /** Where all that is neither data nor the machine's goes. */
  readonly folder: string
  /** Its data root. */
  readonly data: string
  /** The socket of the containerd below it. */
  readonly containerd: string
  /** The cgroup of its containers: like no other, as engines share the machine's. */
  readonly group: string
  /** Where it listens: `unix:///…`, `tcp://127.0.0.1:23456`. */
  readonly hosts: readonly string[]
  readonly tls: boolean
}

/** Writes dockerd's daemon.json and what it names. Its path. */
export async function writeConfig(facts: Facts): Promise<string> {
  const { version, folder } = facts
  const config = {
    'data-root': facts.data,
    'exec-root': join(folder, 'exec'),
    pidfile: join(folder, 'dockerd.pid'),
    containerd: facts.containerd,
    // Where systemd runs it would be asked for cgroups, and gives only slices.
    'exec-opts': ['native.cgroupdriver=cgroupfs'],
    'cgroup-parent': `/${facts.group}`,
    hosts: facts.hosts,
    // Nothing of the machine's network is touched: containers here have none.
    bridge: 'none',
    iptables: false,
    ip6tables: false,
    'ip-forward': false,
    'userland-proxy': false,
    ...(facts.tls && (await serverTls())),
    // Without this it writes into /etc/docker.
    ...(version === '20.10' && { 'deprecated-key-path': join(folder, 'key.json') }),
    ...(version === '29' && {
      runtimes: { kit: { path: await writeRuntime(folder) } },
      'default-runtime': 'kit',
    }),
  }
  const file = join(folder, 'daemon.json')
  await writeFile(file, JSON.stringify(config))
  return file
}

/** Makes the folder that a client calls DOCKER_CERT_PATH. Its path. */
export async function writeClientTls(folder: string): Promise<string> {
  const { ca, client } = await certificates()
  const path = join(folder, 'certificates')
  await mkdir(path)
  await copyFile(ca, join(path, 'ca.pem'))
  await copyFile(client.cert, join(path, 'cert.pem'))
  await copyFile(client.key, join(path, 'key.pem'))
  return path
}

async function serverTls(): Promise<object> {
  const { ca, server } = await certificates()
  return { tlsverify: true, tlscacert: ca, tlscert: server.cert, tlskey: server.key }
}

/**
 * Docker 29 asks for time namespaces, which runc knows from 1.2 on. With an older one, as Debian 12 has,
 * containers run as well without.
 */
async function writeRuntime(folder: string): Promise<string> {
  const script = [
    '#!/bin/sh',
    'bundle=',
    'previous=',
    'for argument; do',
    '  [ "$previous" != --bundle ] || bundle=$argument',
    '  previous=$argument',
    'done',
    `[ -z "$bundle" ] || sed -i 's/,{"type":"time"}//; s/{"type":"time"},//' "$bundle/config.json" || exit 1`,
    `exec '${which('runc')}' "$@"`,
    '',
  ]
  const file = join(folder, 'runc')
  await writeFile(file, script.join('\n'), { mode: 0o755 })
  return file
}
