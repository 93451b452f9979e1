#!/usr/bin/env node
// Node's compile cache works for what is loaded after it is on: so this file, and the bundle beside it.
import { enableCompileCache } from 'node:module'

enableCompileCache()
await import('../dist/orch.js')
