import { styleText } from 'node:util'

/** The stream that progress is written to: `process.stderr`, or one like it. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean
  readonly columns?: number | undefined
  readonly rows?: number | undefined
}
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Whether text for this stream is coloured: FORCE_COLOR decides first (`0` and `false` mean no), as
 * in Node; then NO_COLOR (no-color.org: any value but the empty one); then whether it is a terminal.
 */
export function useColor(stream: Output, env: Environment): boolean {
  const forced = env['FORCE_COLOR']
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  if ((env['NO_COLOR'] ?? '') !== '') return false
  return stream.isTTY === true && env['TERM'] !== 'dumb'
}

type Style = Parameters<typeof styleText>[0]
/** Puts a style on text, or leaves it bare. */
export type Paint = (style: Style, text: string) => string

export function painter(color: boolean): Paint {
  return color
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_style, text) => text
}
