import { parseExport, parsePlatforms, type Selection } from '@orch/config'
import { type Command, Option } from 'commander'

/** The options by which `build` and `plan` choose, as commander leaves them. */
export interface SelectOptions {
  readonly platform?: readonly string[]
  readonly export?: readonly string[]
  readonly tag?: readonly string[]
}

const append = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
]

/** Adds the options that choose what is built and where it goes. */
export function addSelection(command: Command): Command {
  return command
    .argument('[image...]', 'images to build; all of the project by default')
    .addOption(
      new Option(
        '--platform <list>',
        'platforms: a comma list, may be repeated; all of the base, local',
      ).argParser(append),
    )
    .addOption(
      new Option(
        '-e, --export <name[,key=value…]>',
        'where the images go, may be repeated; instead of the project’s',
      ).argParser(append),
    )
    .addOption(
      new Option(
        '-t, --tag <reference>',
        'a name for the image, may be repeated; instead of the project’s',
      ).argParser(append),
    )
}

/** What the command line selects. Throws `UsageError` for what cannot be read. */
export function selectionOf(images: readonly string[], options: SelectOptions): Selection {
  const { platform, export: exports, tag } = options
  return {
    ...(images.length === 0 ? {} : { images: [...images] }),
    ...(platform === undefined ? {} : { platforms: [...parsePlatforms([...platform])] }),
    ...(exports === undefined ? {} : { exports: exports.map(text => parseExport(text)) }),
    ...(tag === undefined ? {} : { tags: [...tag] }),
  }
}
