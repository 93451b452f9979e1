import { execFileSync } from 'node:child_process'
import { link, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openArchive } from '../archive/read.ts'
import { validateImage } from '../validate/validate.ts'
import { splitLocation } from './location.ts'
import { pickImage } from './pick.ts'
import { blobPath, openLayout } from './read.ts'
import { folder, fresh, image, other } from './test-layouts.ts'
import { writeLayout } from './write.ts'

describe('openLayout', () => {
  it('does not wait for a pipe', async () => {
    const path = fresh()
    await writeLayout(path, [{ source: image, names: ['a:1'] }])
    await rm(join(path, 'index.json'))
    execFileSync('mkfifo', [join(path, 'index.json')])
    await expect(openLayout(path)).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
    await expect(openArchive(join(path, 'index.json'))).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
    })
  })

  it('says what is missing', async () => {
    const path = fresh()
    await expect(openLayout(path)).rejects.toMatchObject({ code: 'LAYOUT_MISSING' })
    await mkdir(path, { recursive: true })
    await expect(openLayout(path)).rejects.toThrow('it has no file oci-layout')
  })

  it('refuses a blob that is a symbolic link, and a folder of blobs that is one', async () => {
    const path = fresh()
    await writeLayout(path, [{ source: image, names: ['a:1'] }])
    const blob = blobPath(path, image.root.digest)
    const outside = join(folder, 'outside')
    await link(blob, outside)
    await rm(blob)
    await symlink(outside, blob)
    const read = pickImage(await openLayout(path), undefined)
    await expect(read.content.blob(read.root)).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
    await rename(join(path, 'blobs'), join(path, 'elsewhere'))
    await symlink('elsewhere', join(path, 'blobs'))
    await expect(read.content.blob(read.root)).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
  })

  it('reads an index.json without schemaVersion, as some tools write it', async () => {
    const path = fresh()
    await writeLayout(path, [{ source: image, names: ['a:1'] }])
    const index = JSON.parse(await readFile(join(path, 'index.json'), 'utf8'))
    await writeFile(join(path, 'index.json'), JSON.stringify({ manifests: index.manifests }))
    expect(pickImage(await openLayout(path), undefined).root.digest).toBe(image.root.digest)
  })
})

describe('pickImage', () => {
  it('asks which image is meant when there are several, and lists them', async () => {
    const path = fresh()
    await writeLayout(path, [
      { source: image, names: ['a:1'] },
      { source: other, names: ['b:1'] },
    ])
    const layout = await openLayout(path)
    expect(() => pickImage(layout, undefined)).toThrow(
      'holds more than one image; it holds a:1, b:1',
    )
    expect(() => pickImage(layout, 'c:1')).toThrow('has no image c:1; it holds a:1, b:1')
    expect(pickImage(layout, other.root.digest).root.digest).toBe(other.root.digest)
    expect(pickImage(layout, 'docker.io/library/b:1').root.digest).toBe(other.root.digest)
    const whole = await validateImage(pickImage(layout, undefined, true))
    expect(whole.platforms).toEqual(['linux/amd64', 'linux/arm64', 'linux/s390x'])
  })
})

describe('splitLocation', () => {
  it('takes the longest path that exists, colons and all', async () => {
    await mkdir(join(folder, 'a:b'), { recursive: true })
    expect(await splitLocation(folder, 'a:b:example.com:5000/x:1')).toEqual({
      path: join(folder, 'a:b'),
      name: 'example.com:5000/x:1',
    })
    expect(await splitLocation(folder, 'absent:x:1')).toEqual({
      path: join(folder, 'absent'),
      name: 'x:1',
    })
    expect(await splitLocation(folder, 'a:b')).toEqual({ path: join(folder, 'a:b') })
  })
})
