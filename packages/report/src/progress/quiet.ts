import type { Output, Paint } from '../style.ts'
import { visible } from '../text.ts'
import { exportText, logLines, placedLine, type Reporter } from './reporter.ts'

/** Warnings, and that something failed. Why it failed is said once, by whoever ran the build. */
export function quietReporter(stream: Output, paint: Paint): Reporter {
  const failed = paint('red', 'failed')
  const told = new Set<string>()
  // An image fails once per platform, mostly of one cause: that is one line.
  const tell = (line: string): void => {
    if (!told.has(line)) stream.write(line)
    told.add(line)
  }
  return {
    listener(event) {
      if (event.type === 'log' && event.level === 'warning') stream.write(logLines(event, paint))
      if (event.type === 'image.failed')
        tell(placedLine(event, `${failed} [${visible(event.code)}]`))
      if (event.type === 'export.failed')
        tell(placedLine(event, `${visible(exportText(event))} ${failed} [${visible(event.code)}]`))
    },
    close() {},
  }
}
