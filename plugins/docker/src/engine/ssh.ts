import { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'
import type { Endpoint, Environment, Host } from './address.ts'
import { SshEnded } from './errors.ts'

type SshHost = Extract<Host, { kind: 'ssh' }>

/** What of ssh's words is kept for an error. */
const maxWords = 4096
/** How long ssh may take to end by itself, and its last words to arrive, in milliseconds. */
const graceMs = 300

/**
 * The arguments with which Docker's CLI calls ssh (docker/cli, cli/connhelper): whatever the user has
 * configured for ssh counts, and the engine speaks over its standard streams.
 */
function sshArguments({ host, user, port, path }: SshHost): string[] {
  const socket = path === undefined ? [] : [`--host=${quoted(`unix://${path}`)}`]
  return [
    ...['-o', 'ConnectTimeout=30', '-T'],
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...['--', host, 'docker', ...socket, 'system', 'dial-stdio'],
  ]
}

/** For the shell at the other end, which reads the arguments joined by blanks. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

type Child = ReturnType<typeof start>

function start(host: SshHost, env: Environment) {
  return execa('ssh', sshArguments(host), {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    env,
    extendEnv: false,
    windowsHide: true,
    // In a session of its own, so that Ctrl-C reaches orch alone, which then ends this.
    detached: process.platform !== 'win32',
    forceKillAfterDelay: graceMs,
  })
}

/** A connection that is an ssh command: written to its standard input, read from its standard output. */
export class SshSocket extends Duplex {
  readonly #child: Child
  #words = ''
  bytesRead = 0
  bytesWritten = 0

  constructor({ env }: Endpoint, host: SshHost) {
    super()
    this.#child = start(host, env)
    const { stdin, stdout, stderr } = this.#child
    stdin.on('error', () => {}) // The end of ssh tells why.
    stdout.on('data', (chunk: Buffer) => {
      this.bytesRead += chunk.length
      if (!this.push(chunk)) stdout.pause()
    })
    stdout.once('end', () => void this.#ended())
    stderr.setEncoding('utf8')
    stderr.on('data', (text: string) => {
      this.#words = `${this.#words}${text}`.slice(-maxWords)
    })
    // execa ends no child of a session of its own when orch ends at once, as by a second Ctrl-C.
    const end = (): void => void this.#child.kill()
    process.once('exit', end)
    void this.#child.then(({ code }) => {
      process.off('exit', end)
      if (code === 'ENOENT') this.destroy(new SshEnded('there is no ssh command in PATH'))
    })
  }

  /** Everything was read. ssh may leave a child that holds its other streams, so they are not waited for long. */
  async #ended(): Promise<void> {
    const result = await Promise.race([this.#child, delay(graceMs)])
    if (this.destroyed) return
    const code = result?.exitCode ?? this.#child.nodeChildProcess.exitCode
    const words = this.#words.trim() || `ssh ended (${code ?? 'by a signal'})`
    if (code === 0) this.push(null)
    // An engine was there; then this is as if its socket broke.
    else if (this.bytesRead > 0)
      this.destroy(Object.assign(new Error(words), { code: 'ECONNRESET' }))
    else this.destroy(new SshEnded(words))
  }

  override _read(): void {
    this.#child.stdout.resume()
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    this.bytesWritten += chunk.length
    // What it no longer takes is not told here but by its end.
    this.#child.stdin.write(chunk, error => {
      if (error == null) callback()
    })
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#child.stdin.end(() => callback())
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const { stdin, stdout, stderr } = this.#child
    for (const stream of [stdin, stdout, stderr]) stream.destroy()
    this.#child.kill()
    callback(error)
  }

  // What an http.Agent calls on a socket of its own kind.
  setKeepAlive(): this {
    return this
  }
  setNoDelay(): this {
    return this
  }
  setTimeout(): this {
    return this
  }
  ref(): this {
    this.#child.nodeChildProcess.ref()
    return this
  }
  unref(): this {
    this.#child.nodeChildProcess.unref()
    return this
  }
}
