import { blobFromBytes } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { place } from './placement.ts'
import { searchPath } from './search-path.ts'
import { usersSecurityDescriptor } from './windows.ts'

const binary = blobFromBytes(Buffer.from('program'), 'application/octet-stream')
const paths = (path: string, os = 'linux') => place(binary, path, os).entries.map(item => item.path)

describe('a program', () => {
  it('comes with the folders above it, but never with one that a base may have as a symlink', () => {
    expect(paths('/app/x')).toEqual(['app', 'app/x'])
    expect(paths('/ko-app/bin/x')).toEqual(['ko-app', 'ko-app/bin', 'ko-app/bin/x'])
    expect(paths('/usr/local/bin/x')).toEqual(['usr/local/bin/x'])
    expect(paths('/x')).toEqual(['x'])
    expect(place(binary, '/x', 'linux').folder).toBe('/')
  })

  it('on Windows lies below Files, ends in .exe, and may be run by users', () => {
    const placed = place(binary, '/app/x', 'windows')
    expect(placed.entries.map(item => item.path)).toEqual([
      'Files',
      'Hives',
      'Files/app',
      'Files/app/x.exe',
    ])
    expect(placed.path).toBe('C:\\app\\x.exe')
    expect(placed.folder).toBe('C:\\app')
    expect(placed.entries.at(-1)?.pax).toEqual({ 'MSWINDOWS.rawsd': usersSecurityDescriptor() })
    expect(paths('/x.EXE', 'windows')).toContain('Files/x.EXE')
  })

  it('has the security descriptor O:BUG:BU', () => {
    // As Windows PowerShell encodes it: ConvertFrom-SddlString O:BUG:BU.
    expect(usersSecurityDescriptor()).toBe(
      'AQAAgBQAAAAkAAAAAAAAAAAAAAABAgAAAAAABSAAAAAhAgAAAQIAAAAAAAUgAAAAIQIAAA==',
    )
  })
})

describe('PATH', () => {
  it('is the base’s with the folder at its end, once', () => {
    expect(searchPath(['A=1', 'PATH=/bin:/usr/bin'], '/app', 'linux')).toBe(
      'PATH=/bin:/usr/bin:/app',
    )
    expect(searchPath(['PATH=/app:/bin'], '/app', 'linux')).toBe('PATH=/bin:/app')
  })

  it('is the usual one when the base has none', () => {
    expect(searchPath([], '/app', 'linux')).toBe(
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/app',
    )
    expect(searchPath([], 'C:\\app', 'windows')).toBe(
      'PATH=C:\\Windows\\System32;C:\\Windows;C:\\app',
    )
  })

  it('keeps its name on Windows', () => {
    expect(searchPath(['Path=C:\\bin'], 'C:\\app', 'windows')).toBe('Path=C:\\bin;C:\\app')
  })
})
