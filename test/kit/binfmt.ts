import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { helloElf } from './elf.ts'
import { failureOf } from './try.ts'
import { which } from './which.ts'

type Architecture = 'amd64' | 'arm64'

const table = '/proc/sys/fs/binfmt_misc'
const emulators = { amd64: 'qemu-x86_64', arm64: 'qemu-aarch64' } as const

/**
 * Why programs of this architecture do not run here, or `undefined` when they do. As root it registers
 * qemu with the kernel where that is missing, and leaves it so: it belongs to the machine, and other
 * tests may be using it by the time these are done.
 */
export function whyNotRunnable(architecture: Architecture): string | undefined {
  const native = process.arch === (architecture === 'amd64' ? 'x64' : 'arm64')
  return (native ? undefined : whyNotEmulated(emulators[architecture])) ?? whyItFails(architecture)
}

function whyNotEmulated(emulator: string): string | undefined {
  const entry = join(table, emulator)
  if (!existsSync(entry)) {
    if (process.getuid?.() !== 0) return `only root can register ${emulator} with the kernel`
    if (which(`${emulator}-static`) === undefined) return `${emulator}-static is not installed`
    const updateBinfmts = which('update-binfmts')
    if (updateBinfmts === undefined) return 'update-binfmts is not installed'
    const failure =
      (existsSync(join(table, 'register'))
        ? undefined
        : failureOf('mount', ['-t', 'binfmt_misc', 'binfmt_misc', table])) ??
      failureOf(updateBinfmts, ['--enable', emulator])
    // Another test file may have been quicker.
    if (failure !== undefined && !existsSync(entry))
      return `${emulator} cannot be registered: ${failure}`
    if (!existsSync(entry)) return `${emulator} is not known to update-binfmts`
  }
  // F: the kernel holds the emulator open, so that it works in a container that has no such file.
  const flags = /^flags: (\w*)$/m.exec(readFileSync(entry, 'utf8'))?.[1] ?? ''
  return flags.includes('F')
    ? undefined
    : `${emulator} is registered without the flag F, so it does not work in containers`
}

function whyItFails(architecture: Architecture): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'orch-binfmt-'))
  try {
    const file = join(folder, 'hello')
    writeFileSync(file, helloElf(architecture, 'hello\n'), { mode: 0o755 })
    const failure = failureOf(file, [])
    return failure === undefined
      ? undefined
      : `programs for ${architecture} do not run here: ${failure}`
  } finally {
    rmSync(folder, { recursive: true })
  }
}
