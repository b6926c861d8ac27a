# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What every part of the lab shares: where things live, progress, stamps, locks
# and running commands inside the Debian root. Sourced, never run.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LAB=${TULLE_LAB:-$HOME/.cache/tulle-lab}
ROOT=$LAB/root
STAMPS=$LAB/stamps
LOGS=$LAB/logs
DOWNLOADS=$LAB/downloads
# Used by the other parts.
# shellcheck disable=SC2034
SUITE=trixie
# shellcheck disable=SC2034
JOBS=${TULLE_JOBS:-$(nproc)}
LAB_T0=${LAB_T0:-$(date +%s)}

# Exported once, so that the python parts see the same places.
export TULLE_LAB=$LAB LAB_T0 TOP
# Nothing of ours is left in the checkout.
export PYTHONDONTWRITEBYTECODE=1

say()
{
	[ -z "${LAB_QUIET:-}" ] || return 0
	printf 'lab [%4ds] %s\n' "$(($(date +%s) - LAB_T0))" "$*" >&2
}

die()
{
	printf 'lab: error: %s\n' "$*" >&2
	exit 125
}

need_root()
{
	[ "$(id -u)" = 0 ] || die "run as root (mounts, chroot and 9p need it)"
}

prepare_dirs()
{
	mkdir -p "$LAB" "$STAMPS" "$LOGS" "$DOWNLOADS" || die "cannot write $LAB"
}

# with_lock NAME FUNCTION ARGS...: one holder per machine and cache folder.
with_lock()
{
	local name=$1 fd

	shift
	mkdir -p "$LAB/locks"
	exec {fd}>"$LAB/locks/$name"
	if ! flock -w 3 "$fd"; then
		say "waiting for another lab to finish: $name (what it does: $LOGS)"
		flock "$fd"
	fi
	"$@"
	local rc=$?
	exec {fd}>&-
	return $rc
}

# step NAME KEY FUNCTION: runs FUNCTION unless it was done already with this KEY
# (the text that decides its outcome); its output goes to a log of its own.
step()
{
	local name=$1 key=$2 fn=$3 stamp=$STAMPS/$1 t0 rc

	if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ]; then
		return 0
	fi
	rm -f "$stamp"
	say "$name ..."
	t0=$(date +%s)
	# A shell of its own: "set -e" means nothing in one that a caller tests.
	# shellcheck disable=SC2016
	"$BASH" -eu -o pipefail -c '
		for part in common root qemu boot debug modules provider ksft; do
			. "$TOP/tools/lab.d/$part.sh"
		done
		"$1"' step "$fn" >"$LOGS/$name.log" 2>&1 </dev/null
	rc=$?
	if [ $rc != 0 ]; then
		# A compiler's complaint is often far above the end.
		{
			grep -E '(error|Error 1|undefined reference|^E):' "$LOGS/$name.log" | head -n 12
			echo ...
			tail -n 8 "$LOGS/$name.log"
		} | sed 's/^/    /' >&2
		die "$name failed (whole log: $LOGS/$name.log). What is done is kept: run the same command again to go on."
	fi
	printf '%s' "$key" >"$stamp"
	say "$name: done in $(($(date +%s) - t0)) s"
}

have_step()
{
	[ -f "$STAMPS/$1" ]
}

# in_root COMMAND...: in the Debian root, in a mount namespace of its own, so
# that nothing stays mounted whatever happens. $LAB appears at the same path.
in_root()
{
	# shellcheck disable=SC2016
	unshare --mount --propagation private -- bash -c '
		root=$1 lab=$2
		shift 2
		mount -t proc proc "$root/proc" &&
		mount --rbind /sys "$root/sys" &&
		mount --rbind /dev "$root/dev" &&
		mkdir -p "$root$lab" &&
		mount --bind "$lab" "$root$lab" || exit 125
		cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null
		exec chroot "$root" /usr/bin/env -i HOME=/root USER=root \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
			DEBIAN_FRONTEND=noninteractive MAKEFLAGS= "$@"
	' in_root "$ROOT" "$LAB" "$@"
}

# host_packages NAME...: installs what is missing on this machine.
host_packages()
{
	local missing=() p

	for p; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null |
			grep -q 'ok installed' || missing+=("$p")
	done
	[ ${#missing[@]} = 0 ] && return 0
	echo "host packages: ${missing[*]}"
	apt-get -o DPkg::Lock::Timeout=600 update ||
		echo "the package index could not be refreshed: trying with the old one"
	DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y \
		--no-install-recommends "${missing[@]}" && return 0
	echo "could not install: ${missing[*]}. Check that apt on this machine has a working mirror."
	return 1
}
