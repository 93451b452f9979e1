import type { OnReadOpts, Socket } from 'node:net'
import { errors } from '../hosts/undici.ts'

/** What comes while nobody has brought memory for it lands here: as much as the system gives at once. */
const landingBytes = 64 * 1024

/**
 * What a socket reads, in memory that its reader brings: nothing is allocated for each piece, which with
 * much to read costs more than all else. A socket stops reading when nobody waits for bytes.
 */
export class Intake {
  readonly #timeout: number
  readonly #landing = Buffer.allocUnsafeSlow(landingBytes)
  #room: Buffer = this.#landing
  /** What has landed and is yet to be taken. */
  #landed: Buffer[] = []
  /** Where the system writes next. */
  #given: Buffer = this.#landing
  #socket: Socket | undefined
  #error: Error | undefined
  /** The reader's memory, as much of it as is yet to be filled. */
  #wanted: Buffer | undefined
  #waiting: PromiseWithResolvers<void> | undefined

  /** @param timeout how long nothing may come while somebody waits, in milliseconds */
  constructor(timeout: number) {
    this.#timeout = timeout
  }

  /** For the socket's maker. */
  readonly landing: OnReadOpts = {
    buffer: () => this.#next(),
    callback: length => this.#arrived(length),
  }

  attach(socket: Socket): void {
    this.#socket = socket
    socket.on('error', error => this.#fail(error))
    socket.on('close', () => this.#fail(new errors.SocketError('other side closed')))
    socket.on('timeout', () => {
      if (this.#waiting !== undefined) socket.destroy(new errors.BodyTimeoutError())
    })
  }

  /** Everything up to `end` and without it; undefined when it does not come within `limit` bytes. */
  async until(end: string, limit: number): Promise<Buffer | undefined> {
    for (;;) {
      const all = Buffer.concat(this.#landed)
      const at = all.indexOf(end)
      if (at >= 0) {
        this.#landed = [all.subarray(at + end.length)].filter(({ length }) => length > 0)
        return all.subarray(0, at)
      }
      if (all.length > limit) return undefined
      await this.#wait()
    }
  }

  /**
   * Fills memory, and gives how much of it. That is less than all only when the connection broke off,
   * which is thrown next time.
   */
  async fill(into: Uint8Array): Promise<number> {
    let wanted = Buffer.from(into.buffer, into.byteOffset, into.byteLength)
    while (wanted.length > 0) {
      const [first] = this.#landed
      if (first === undefined) break
      const length = first.copy(wanted)
      wanted = wanted.subarray(length)
      if (length === first.length) this.#landed.shift()
      else this.#landed[0] = first.subarray(length)
    }
    if (this.#landed.length === 0) this.#room = this.#landing
    if (wanted.length === 0) return into.byteLength
    this.#wanted = wanted
    try {
      while (this.#wanted.length > 0) await this.#wait()
    } catch (error) {
      if (this.#wanted.length === into.byteLength) throw error
    } finally {
      wanted = this.#wanted
      this.#wanted = undefined
    }
    return into.byteLength - wanted.length
  }

  /** Waits until something came. */
  async #wait(): Promise<void> {
    if (this.#error !== undefined) throw this.#error
    this.#waiting = Promise.withResolvers()
    this.#socket?.setTimeout(this.#timeout)
    this.#socket?.resume()
    await this.#waiting.promise
  }

  #fail(error: Error): void {
    this.#error ??= error
    this.#waiting?.reject(this.#error)
    this.#waiting = undefined
  }

  /** Never empty: a socket that was told to stop may still have some. */
  #next(): Buffer {
    if (this.#wanted !== undefined && this.#wanted.length > 0 && this.#landed.length === 0)
      this.#given = this.#wanted
    else {
      if (this.#room.length === 0) this.#room = Buffer.allocUnsafeSlow(landingBytes)
      this.#given = this.#room
    }
    return this.#given
  }

  /** Whether the socket is to go on. */
  #arrived(length: number): boolean {
    const given = this.#given
    if (given === this.#wanted) this.#wanted = given.subarray(length)
    else {
      const part = given.subarray(0, length)
      this.#room = given.subarray(length)
      const taken = this.#wanted === undefined ? 0 : part.copy(this.#wanted)
      this.#wanted = this.#wanted?.subarray(taken)
      if (taken < length) this.#landed.push(part.subarray(taken))
      else if (this.#landed.length === 0) this.#room = this.#landing
    }
    if (this.#wanted !== undefined && this.#wanted.length > 0) return true
    this.#waiting?.resolve()
    this.#waiting = undefined
    return false
  }
}
