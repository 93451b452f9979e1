#!/usr/bin/env node
// Node's compile cache works for what is loaded after it is on: so this file, and the bundle beside it.
const { enableCompileCache } = require('node:module')

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`orch needs Node.js 22.18 or newer; this is ${process.versions.node}.`)
  process.exit(1)
}
enableCompileCache()
require('../dist/orch.cjs')
