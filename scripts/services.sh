#!/bin/sh
# Installs the programs that the end-to-end tests use, where that can be done: pinned Go programs
# for everyone, packages as root on Debian.
# What cannot be installed is named; the tests that need it then say that they were skipped.
set -u
. "$(dirname "$0")/env.sh"

log=$(mktemp) || exit 1

# Packages of daemons (docker.io, docker-registry) start them once they are installed, and fail where that
# fails. The tests start daemons of their own, so while packages are being installed a file that Debian
# asks says that nothing may be started, unless the machine has one already. They are enabled all the
# same, as Debian wants it: where systemd runs, they start at the next boot.
policy=/usr/sbin/policy-rc.d
policy_mark='# There only while orch installs packages for its tests.'
deny_starts() {
  # One with the mark was left by a run that was killed.
  if [ -e "$policy" ] && ! grep -qxF "$policy_mark" "$policy"; then return; fi
  printf '%s\n' '#!/bin/sh' "$policy_mark" 'exit 101' >"$policy" && chmod 755 "$policy"
}
allow_starts() {
  if grep -qxF "$policy_mark" "$policy" 2>/dev/null; then rm -f "$policy"; fi
}

trap 'rm -f "$log"; allow_starts' EXIT
trap 'exit 130' HUP INT TERM

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
docker.io dockerd
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
deny_starts
install() {
  # Docker's own packages are not removed for Debian's.
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends --no-remove "$@" >"$log" 2>&1
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
