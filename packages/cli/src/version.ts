import manifest from '../package.json' with { type: 'json' }

/** The version of orch. */
export const version: string = manifest.version
