import { availableParallelism } from 'node:os'

// Compression and hashing run on libuv's threads: four, unless this is set before the first is needed.
process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(4, availableParallelism()))
