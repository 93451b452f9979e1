import { Writable } from 'node:stream'

/** A stream that keeps what is written to it; with a size it is a terminal. */
export class FakeOutput extends Writable {
  readonly isTTY: boolean
  columns: number | undefined
  rows: number | undefined
  text = ''

  constructor(size?: { columns: number; rows: number }) {
    super()
    this.isTTY = size !== undefined
    this.columns = size?.columns
    this.rows = size?.rows
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1)
  }
}
