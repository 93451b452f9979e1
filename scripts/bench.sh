#!/bin/sh
# npm run bench -- NAME [ARGUMENT…]: builds orch and runs test/bench/NAME.ts.
set -u
. "$(dirname "$0")/env.sh"

if [ ! -f "test/bench/${1:-}.ts" ]; then
  complain "Which one? npm run bench -- NAME, with one of these names:"
  for file in test/bench/*.ts; do complain "  $(basename "$file" .ts)"; done
  exit 2
fi
name=$1
shift

sh scripts/setup.sh || exit 1
sh scripts/services.sh
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM
if ! turbo run build >"$log" 2>&1; then
  without_addresses <"$log" >&2
  complain 'orch itself could not be built (see above).'
  exit 1
fi
node "test/bench/$name.ts" "$@"
