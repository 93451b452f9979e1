import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { storeRoot } from './folders.ts'

describe('the root of the store', () => {
  it.each([
    [{ ORCH_CACHE_DIR: '/own', XDG_CACHE_HOME: '/xdg', HOME: '/home/u' }, '/own'],
    [{ ORCH_CACHE_DIR: '', XDG_CACHE_HOME: '/xdg', HOME: '/home/u' }, '/xdg/orch'],
    [{ XDG_CACHE_HOME: 'relative', HOME: '/home/u' }, '/home/u/.cache/orch'],
    [{ HOME: '/home/u' }, '/home/u/.cache/orch'],
    [{ ORCH_CACHE_DIR: 'here' }, resolve('here')],
  ])('with %j is %s', (env, root) => {
    expect(storeRoot(env)).toBe(root)
  })
})
