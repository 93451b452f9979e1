import { expect, it } from 'vitest'
import { insecureSource } from './open-image.ts'
import { defaultPlugins } from './plugins.ts'

it('--insecure is for sources in registries', () => {
  const plugins = defaultPlugins()
  for (const source of ['docker://h.example/x:1', 'h.example/x:1', 'x'])
    expect(insecureSource(source, plugins)).toBe(`${source},insecure=true`)
  for (const source of ['oci:dist', 'static', 'containerd:x:1'])
    expect(insecureSource(source, plugins)).toBeUndefined()
})
