import type { Plan } from '@orch/core'
import { expect, it } from 'vitest'
import { printPlan } from './plan.ts'

it('a plan for people shows the options of exporters as they write them', () => {
  const lines: string[] = []
  const platforms = [
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm', variant: 'v7' },
  ]
  const options = { address: '/a.sock', platforms, labels: { a: 'b' }, names: [], pin: false }
  const plan: Plan = {
    root: '/',
    images: [],
    exports: [
      { exporter: 'x', options },
      { exporter: 'layout', options: { dest: 'out', size: undefined }, references: ['a:1', 'b:1'] },
      { exporter: 'bare', options: undefined },
    ],
  }
  printPlan({ print: line => void lines.push(line) }, plan, false)
  expect(lines).toEqual([
    'export     x address=/a.sock platforms=linux/amd64,linux/arm/v7 labels={"a":"b"}',
    'export     layout dest=out as a:1, b:1',
    'export     bare',
  ])
})
