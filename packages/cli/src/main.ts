#!/usr/bin/env node
import './threads.ts'
import { enableCompileCache } from 'node:module'

// The rest is loaded after the cache is on, so that it is compiled once and not at every start.
enableCompileCache()
const { run } = await import('./run.ts')
process.exitCode = await run(process.argv.slice(2))
