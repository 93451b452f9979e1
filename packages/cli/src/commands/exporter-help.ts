import { exporterOptions } from '@orch/config'
import type { Command } from 'commander'
import { defaultPlugins } from '../plugins.ts'

/**
 * Adds to the help of a command the exporters with the names of their options, as their schemas have them.
 * @param names of exporters; all by default
 */
export function addExporterHelp(command: Command, names?: readonly string[]): Command {
  return command.addHelpText('after', ({ error }) => {
    const { getErrHelpWidth, getOutHelpWidth } = command.configureOutput()
    const helper = command.createHelp()
    const helpWidth = (error ? getErrHelpWidth : getOutHelpWidth)?.()
    helper.prepareContext(helpWidth === undefined ? {} : { helpWidth })
    const shown = [...exporterOptions(defaultPlugins())].filter(
      ([name]) => names?.includes(name) ?? true,
    )
    const width = Math.max(...shown.map(([name]) => name.length))
    const lines = shown.map(([name, options]) =>
      helper.formatItem(name, width, options.join(', '), helper),
    )
    return ['', 'Options of exporters (orch config schema describes them):', ...lines].join('\n')
  })
}
