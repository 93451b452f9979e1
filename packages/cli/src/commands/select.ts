import { parseExport, parsePlatforms, type Selection } from '@orch/config'
import { type Command, Option } from 'commander'

/** The options by which commands choose what is built, as commander leaves them. */
export interface SelectOptions {
  readonly platform?: readonly string[]
  readonly tag?: readonly string[]
  readonly locked?: boolean
}

/** The same with where it goes. */
export interface ExportsOptions extends SelectOptions {
  readonly export?: readonly string[]
}

/** Reads an option that may be repeated. */
export const append = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
]

/** Adds what chooses the images and their platforms. */
export function addImages(command: Command, argument: string): Command {
  return command
    .argument('[image...]', argument)
    .addOption(
      new Option(
        '--platform <list>',
        'platforms: a comma list, may be repeated; all of the base, local',
      ).argParser(append),
    )
    .option('--locked', 'fail when orch.lock lacks a base that is needed, or holds another')
}

/** Adds what chooses the images, their platforms and names. */
export function addSelection(command: Command): Command {
  return addImages(command, 'images to build; all of the project by default').addOption(
    new Option(
      '-t, --tag <reference>',
      'a name for the image, may be repeated; instead of the project’s',
    ).argParser(append),
  )
}

/** Adds what chooses where the images go. */
export function addExports(command: Command): Command {
  return command.addOption(
    new Option(
      '-e, --export <name[,key=value…]>',
      'where the images go: registry, docker, containerd, layout, oci-archive and others; may be repeated; instead of the project’s',
    ).argParser(append),
  )
}

/** What the command line selects. Throws `UsageError` for what cannot be read. */
export function selectionOf(images: readonly string[], options: ExportsOptions): Selection {
  const { platform, export: exports, tag, locked } = options
  return {
    ...(images.length === 0 ? {} : { images: [...images] }),
    ...(platform === undefined ? {} : { platforms: [...parsePlatforms([...platform])] }),
    ...(exports === undefined ? {} : { exports: exports.map(text => parseExport(text)) }),
    ...(tag === undefined ? {} : { tags: [...tag] }),
    ...(locked === undefined ? {} : { locked }),
  }
}
