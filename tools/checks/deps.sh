#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Installs what host-packages.txt lists and this machine lacks. Silent and quick
# when nothing is missing; says what to install when it may not do so itself.

set -eu

list=$(grep -v '^#' "$(dirname "$0")/host-packages.txt")

missing()
{
	for package in $list; do
		case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
		installed) ;;
		*) printf '%s ' "$package" ;;
		esac
	done
}

if ! command -v dpkg-query >/dev/null; then
	echo "deps: not a Debian machine; what is needed is listed in tools/checks/host-packages.txt" >&2
	exit 1
fi

# One query for all: the common case costs milliseconds.
# shellcheck disable=SC2086
if [ "$(dpkg-query -W -f '${db:Status-Status}\n' $list 2>/dev/null | grep -c '^installed$')" = \
     "$(echo "$list" | wc -l)" ]; then
	exit 0
fi

want=$(missing)
if [ "$(id -u)" != 0 ]; then
	echo "deps: please install: $want" >&2
	exit 1
fi

echo "deps: installing $want" >&2
export DEBIAN_FRONTEND=noninteractive
# A stale index is the usual reason for a failed install, an unreachable
# repository that has nothing to do with these packages the usual noise.
apt-get -q update >&2 || echo "deps: some package indexes could not be fetched" >&2
# shellcheck disable=SC2086
apt-get -qy --no-install-recommends install $want >&2
want=$(missing)
if [ -n "$want" ]; then
	echo "deps: could not be installed: $want" >&2
	exit 1
fi
