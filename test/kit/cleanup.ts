const stack: (() => Promise<void>)[] = []

/**
 * Runs `undo` once the test file is done, whatever became of its tests; the last registered runs first.
 * A program that is no test calls `cleanUp` itself.
 */
export function atEnd(undo: () => Promise<void>): void {
  stack.push(undo)
}

/** Undoes all that was registered. Throws what failed, once everything was tried. */
export async function cleanUp(): Promise<void> {
  const errors: unknown[] = []
  for (let undo = stack.pop(); undo !== undefined; undo = stack.pop()) {
    // One that fails must not keep the others from running; the errors are thrown together.
    await undo().catch((error: unknown) => errors.push(error))
  }
  if (errors.length > 0) throw new AggregateError(errors, 'cleaning up after the tests failed')
}

// Every test file has its own copy of this module, so this is the file's own last hook. Elsewhere than
// in a test vitest cannot be imported.
if (process.env['VITEST'] !== undefined) {
  const { afterAll } = await import('vitest')
  afterAll(cleanUp, 60_000)
}
