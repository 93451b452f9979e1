#!/bin/sh
# Installs the programs that the end-to-end tests use, where that can be done: pinned Go programs
# for everyone, packages as root on Debian.
# What cannot be installed is named; the tests that need it then say that they were skipped.
set -u
. "$(dirname "$0")/env.sh"

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM

# The pinned Go programs; quick when they are there.
node scripts/tools.ts 2>"$log"
without_addresses <"$log" >&2

missing=''
# A line per package, with the program that shows it is there.
while read -r package program; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null 2>&1 || missing="$missing $package"
done <<END
containerd containerd
runc runc
docker-registry docker-registry
skopeo skopeo
umoci umoci
openssl openssl
qemu-user-static qemu-aarch64-static
binfmt-support update-binfmts
END
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  say "Not installed, and only root on Debian can install them here:$missing"
  exit 0
fi

say "Installing$missing…"
install() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >"$log" 2>&1
}

# shellcheck disable=SC2086 # a list of names
install $missing && exit 0
# The package lists of a fresh machine are empty or old. Then one by one: what can be had is had.
apt-get update -qq >"$log" 2>&1 || without_addresses <"$log" | tail -n 3 >&2
for package in $missing; do
  if ! install "$package"; then
    without_addresses <"$log" | tail -n 3 >&2
    complain "Could not install $package."
  fi
done
