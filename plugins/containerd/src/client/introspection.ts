import type { Calls } from './calls.ts'
import type { Client, PluginInfo } from './types.ts'
import type { WirePlugin } from './wire.ts'

/** What the daemon is made of (introspection.Introspection). */
export function plugins(calls: Calls): Client['plugins'] {
  return async (filters, call) => {
    const found = await calls.unary('introspection.Introspection/Plugins', { filters }, call)
    return found.plugins.map(pluginInfo)
  }
}

function pluginInfo({ type, id, platforms, initErr }: WirePlugin): PluginInfo {
  return { type, id, platforms, error: initErr?.message ?? '' }
}
