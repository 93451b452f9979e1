# Sourced by the other scripts: stands in the repository, with its own tools first in PATH.

cd "$(dirname "$0")/.." || exit 1
root=$PWD
PATH="$root/node_modules/.bin:$PATH"
export PATH

# The tools say nothing to anyone, and do not ask for updates.
export DO_NOT_TRACK=1 TURBO_TELEMETRY_DISABLED=1 TURBO_NO_UPDATE_NOTIFIER=1 NO_UPDATE_NOTIFIER=1
export npm_config_update_notifier=false npm_config_loglevel=error

# In a log, colours are noise; some tools need to be told.
[ -t 1 ] || export NO_COLOR=1

say() {
  printf '%s\n' "$*"
}

complain() {
  printf '%s\n' "$*" >&2
}

# Addresses in what other programs print are not ours to show: they may hold credentials.
without_addresses() {
  sed -E 's#[a-z+]+://[^[:space:]"'"'"'>)]+#<address>#g'
}

# The package manager named by package.json, for example pnpm@10.34.0.
package_manager() {
  sed -n 's/.*"packageManager": *"\([^"+]*\).*/\1/p' package.json
}

pnpm() {
  npx --yes --loglevel=error "$(package_manager)" "$@"
}

# Turbo runs package scripts through pnpm, which it must find in PATH: npx puts it there.
turbo() {
  pnpm exec turbo "$@" --log-prefix=none --output-logs=full
}
