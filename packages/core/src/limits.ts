import { availableParallelism } from 'node:os'
import pLimit from 'p-limit'
import type { Limits } from './types/context.ts'

/** By default: as many busy jobs as cores, and eight transfers. */
export function createLimits(cpu: number = availableParallelism(), network = 8): Limits {
  const limitCpu = pLimit(cpu)
  const limitNetwork = pLimit(network)
  return { cpu: work => limitCpu(work), network: work => limitNetwork(work) }
}
