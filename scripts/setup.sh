#!/bin/sh
# Installs the dependencies, the repository's own Node among them. Silent and quick when nothing changed.
set -u
. "$(dirname "$0")/env.sh"

if ! command -v node >/dev/null 2>&1 || ! command -v npx >/dev/null 2>&1; then
  complain 'orch needs Node.js 20 or newer with npm, and found none in PATH.'
  exit 1
fi
major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null) || major=0
if [ "$major" -lt 20 ]; then
  complain "orch needs Node.js 20 or newer, and found $(node --version 2>/dev/null || echo 'one that does not run')."
  exit 1
fi
if ! command -v go >/dev/null 2>&1; then
  complain 'orch builds Go programs and needs the Go toolchain, and found no go in PATH.'
  exit 1
fi

# What was installed is known by the checksum of all that decides it.
stamp=node_modules/.cache/setup.stamp
wanted=$(cat package.json pnpm-workspace.yaml pnpm-lock.yaml \
  test/package.json packages/*/package.json plugins/*/package.json examples/*/package.json 2>/dev/null | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && node_modules/.bin/node --version >/dev/null 2>&1; then
  exit 0
fi

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM
say 'Installing dependencies…'
# With CI set pnpm never stops to ask a question.
if ! CI=true pnpm install --frozen-lockfile >"$log" 2>&1; then
  without_addresses <"$log" >&2
  complain 'The dependencies could not be installed (see above).'
  exit 1
fi
if ! node_modules/.bin/node --version >/dev/null 2>&1; then
  complain "The repository's own Node does not run: remove node_modules and try again."
  exit 1
fi
mkdir -p node_modules/.cache
printf '%s\n' "$wanted" >"$stamp"
