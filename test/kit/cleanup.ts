import { afterAll } from 'vitest'

const stack: (() => Promise<void>)[] = []

/** Runs `undo` once the test file is done, whatever became of its tests; the last registered runs first. */
export function atEnd(undo: () => Promise<void>): void {
  stack.push(undo)
}

// Every test file has its own copy of this module, so this is the file's own last hook.
afterAll(async () => {
  const errors: unknown[] = []
  for (let undo = stack.pop(); undo !== undefined; undo = stack.pop()) {
    // One that fails must not keep the others from running; the errors are thrown together.
    await undo().catch((error: unknown) => errors.push(error))
  }
  if (errors.length > 0) throw new AggregateError(errors, 'cleaning up after the tests failed')
}, 60_000)
