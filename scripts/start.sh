#!/bin/sh
# npm start: builds orch, then the example with it, and says what to do next.
set -u
. "$(dirname "$0")/env.sh"

sh scripts/setup.sh || exit 1

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM
if ! turbo run build >"$log" 2>&1; then
  without_addresses <"$log" >&2
  complain 'orch itself could not be built (see above).'
  exit 1
fi

node packages/cli/bin/orch.cjs -C examples/hello build || exit $?

marker=$(find examples/hello -name oci-layout -type f | sort | head -n 1)
if [ -z "$marker" ]; then
  complain 'orch built the example, but there is no OCI layout under examples/hello.'
  exit 1
fi
layout=${marker%/oci-layout}

cat <<END

Built the Go program in examples/hello for every platform in its orch.yaml:
one OCI image index, a manifest per platform, in the layout $layout

Next:
  npm run orch -- inspect oci:$layout
  npm run orch -- validate oci:$layout
  npm run orch -- -C examples/hello build --export oci-archive
  npm run orch -- --help
END
