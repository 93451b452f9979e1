import { UsageError } from '@orch/oci'
import { type Flag, parseFlags } from '../settings/flags.ts'
import { joinQuoted, splitQuoted } from '../settings/quoted.ts'
import { type Allowed, refuseFlag } from './refuse.ts'

/** What a tool's flags may be: all that neither runs programs nor reads or writes files. */
interface ToolRules {
  readonly harmless: ReadonlySet<string>
  readonly valued: ReadonlySet<string>
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))

/** `go tool compile -help` (Go 1.26). */
const compiler: ToolRules = {
  harmless: words('B C E L N S c d dwarf dwarflocationlists e j l lang m smallframes spectre t w'),
  valued: words(
    'D I asmhdr bench blockprofile buildid c coveragecfg cpuprofile d embedcfg env goversion ' +
      'importcfg installsuffix json lang linkobj memprofile memprofilerate mutexprofile o p ' +
      'pgoprofile spectre symabis traceprofile trimpath',
  ),
}
/** `go tool asm -help`. */
const assembler: ToolRules = {
  harmless: words('D S debug e spectre v'),
  valued: words('D I d o p spectre trimpath'),
}
/** `go tool link -help`. */
const linker: ToolRules = {
  harmless: words(
    'B E H R T X aslr bindnow buildid checklinkname compressdwarf d funcalign linkmode ' +
      'randlayout s strictdups v w',
  ),
  valued: words(
    'B D E H I L R T X benchmark benchmarkprofile buildid buildmode capturehostobjs cpuprofile ' +
      'debugtextsize debugtramp extar extld extldflags fipso funcalign importcfg installsuffix k ' +
      'libgcc linkmode macos macsdk memprofile memprofilerate o outerrors packagemetadata pluginpath ' +
      'r randlayout strictdups tmpdir',
  ),
}

/** Settings of the compiler's -d that only change or print what it does; others (dump…) write files. */
const debugSetting =
  /^(append|checkptr|closure|defer|escapedebug|inlfuncswithclosures|loopvar|nil|panic|pgodebug|pgodevirtualize|pgoinline|slice|typeassert|wb|zerocopy)(=\d+)?$|^ssa\/[a-z_~ ]+\/(debug|mem|off|on|seed|stats|time)(=\d+)?$/

/** What -gcflags may be limited to: import paths and folders, with `...` (go help packages). */
const packagePattern = /^[\p{L}\p{N}_./@~+][\p{L}\p{N}_./@~+-]*$/u

/**
 * Checks a value of -gcflags or -asmflags, `[pattern=]flags`, and returns it made anew of the parts that
 * were checked, so that the go command cannot see others in it.
 * Throws `GO_FLAG_INVALID`, and `GO_FLAG_REFUSED` as `checkBuildFlags` does.
 */
export function checkToolFlags(
  flag: 'gcflags' | 'asmflags',
  value: string,
  where: string,
  allowed: Allowed,
): string {
  const trimmed = value.trim()
  const [, pattern, list = trimmed] = /^([^-=][^=]*)=(.*)$/s.exec(trimmed) ?? []
  if (pattern !== undefined && !packagePattern.test(pattern)) {
    const shown = JSON.stringify(pattern)
    throw new UsageError('GO_FLAG_INVALID', `${where}: -${flag}: ${shown} is no package pattern`)
  }
  const rules = flag === 'gcflags' ? compiler : assembler
  const place = `${where} -${flag}`
  const fields = splitQuoted(list, place)
  for (const { name, value } of parseFlags(fields, rules.valued, place)) {
    const settings = flag === 'gcflags' && name === 'd' ? (value ?? '').split(',') : []
    const harmless =
      rules.harmless.has(name) && settings.every(setting => debugSetting.test(setting))
    if (!harmless) refuseFlag(place, `-${name}`, allowed)
  }
  return `${pattern === undefined ? '' : `${pattern}=`}${joinQuoted(fields, place)}`
}

/** Checks the linker's flags and returns them. Throws as `checkToolFlags`. */
export function checkLinkerFlags(
  fields: readonly string[],
  where: string,
  allowed: Allowed,
): Flag[] {
  const first = fields[0]
  if (first !== undefined && !first.startsWith('-')) {
    throw new UsageError(
      'GO_FLAG_INVALID',
      `${where}: ${JSON.stringify(first)} does not begin with "-"`,
      { hint: 'Give the flags of the linker alone, without a package pattern.' },
    )
  }
  const flags = parseFlags(fields, linker.valued, where)
  for (const { name } of flags)
    if (!linker.harmless.has(name)) refuseFlag(where, `-${name}`, allowed)
  return flags
}
