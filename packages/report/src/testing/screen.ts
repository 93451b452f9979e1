const start = '\u001b'
const token = new RegExp(`${start}\\[([?\\d;]*)([A-Za-z])|\\n|[^${start}\\n]+`, 'g')

/** What a person sees, scrolled-off lines included, after a terminal has been sent this text. */
export function screenOf(text: string): string[] {
  const lines = ['']
  const at = { row: 0, column: 0 }
  for (const [found, argument = '', command] of text.matchAll(token)) {
    if (found === '\n') {
      at.row += 1
      at.column = 0
      if (lines.length === at.row) lines.push('')
    } else if (command === undefined) {
      const line = (lines[at.row] ?? '').padEnd(at.column)
      lines[at.row] = line.slice(0, at.column) + found + line.slice(at.column + found.length)
      at.column += found.length
    } else obey(command, argument, lines, at)
  }
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}

function obey(
  command: string,
  argument: string,
  lines: string[],
  at: { row: number; column: number },
): void {
  const count = Number(argument || '1')
  switch (command) {
    case 'A':
      at.row = Math.max(0, at.row - count)
      break
    case 'B':
      at.row = Math.min(lines.length - 1, at.row + count)
      break
    case 'G':
      at.column = count - 1
      break
    case 'K':
      if (argument === '2') lines[at.row] = ''
      else lines[at.row] = (lines[at.row] ?? '').slice(0, at.column)
      break
    case 'J':
      lines[at.row] = (lines[at.row] ?? '').slice(0, at.column)
      lines.length = at.row + 1
      break
    case 'h':
    case 'l':
    case 'm':
      break
    default:
      throw new Error(`the screen does not know ESC[${argument}${command}`)
  }
}
