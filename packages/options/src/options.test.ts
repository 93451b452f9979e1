import { expect, it } from 'vitest'
import { z } from 'zod'
import { flag, list, names, platformsIn } from './index.ts'

const platforms = list.transform((items, context) =>
  platformsIn(items, context, 'all or platforms'),
)

const refusal = (schema: z.ZodType, given: unknown): string =>
  z.prettifyError(schema.safeParse(given).error ?? new z.ZodError([]))

it('takes lists and flags as a file and as the command line has them', () => {
  expect(list.parse(['a', 'b,c'])).toEqual(['a', 'b,c'])
  expect(list.parse(' a,b  c,')).toEqual(['a', 'b', 'c'])
  expect(flag.parse(true)).toBe(true)
  expect(flag.parse('false')).toBe(false)
  expect(flag.safeParse('yes').success).toBe(false)
  expect(list.safeParse(['']).success).toBe(false)
})

it('takes names, and says what is none', () => {
  expect(names.parse('x:1,example.com/y')).toEqual(['x:1', 'example.com/y'])
  expect(refusal(names, 'x:1,Foo:1')).toContain('"Foo:1" is not an image reference')
})

it('takes platforms, and says what is none', () => {
  expect(platforms.parse('linux/amd64,linux/arm/v7')).toEqual([
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm', variant: 'v7' },
  ])
  expect(platforms.parse(['local'])).toMatchObject([{ os: 'linux' }])
  expect(refusal(platforms, 'linux')).toMatch(/linux.*expected all or platforms/)
  expect(refusal(platforms, '')).toContain('expected all or platforms')
})
