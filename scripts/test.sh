#!/bin/sh
# npm test: every check and every test, all of them even when an early one fails.
# The last line is the count, for example "120 passed, 0 failed"; before it "3 skipped" when some were.
set -u
. "$(dirname "$0")/env.sh"

results=$root/test/.results
rm -rf "$results"
mkdir -p "$results"
trap 'exit 130' INT TERM

if ! sh scripts/setup.sh; then
  say '0 passed, 1 failed' | tee "$results/summary.txt"
  exit 1
fi
sh scripts/services.sh

# step <kind> <name> <command…>: runs it, and notes kind, name, exit code and seconds for the summary.
step() {
  kind=$1
  name=$2
  shift 2
  began=$(date +%s)
  if [ "$kind" = check ]; then
    "$@" >"$results/$name.log" 2>&1
    code=$?
    [ "$code" -eq 0 ] || cat "$results/$name.log"
  else
    "$@"
    code=$?
  fi
  [ "$code" -ne 130 ] || exit 130
  seconds=$(($(date +%s) - began))
  printf '%s\t%s\t%s\t%s\n' "$kind" "$name" "$code" "$seconds" >>"$results/steps.tsv"
  if [ "$code" -eq 0 ]; then verdict=ok; else verdict=FAILED; fi
  say "$verdict  $name (${seconds} s)"
}

# The bundle must run by itself, so it is tried where no node_modules is above it.
bundle() {
  away=$(mktemp -d) || return 1
  turbo run build && cp packages/cli/dist/orch.cjs "$away" && node "$away/orch.cjs" version
  bundled=$?
  rm -rf "$away"
  return "$bundled"
}

tests() {
  vitest run --project "$1" --reporter=default --reporter=json --outputFile.json="$results/$1.json"
}

for check in format lint types unused; do
  step check "$check" turbo run "//#$check"
done
step check build bundle
step tests unit tests unit
step tests e2e tests e2e

node scripts/summary.ts "$results"
