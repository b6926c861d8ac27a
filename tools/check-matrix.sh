#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Compiles the modules and every shim against the kernels of the lab, with W=1
# and warnings as errors, and compares the layout of the device interface there
# with that in user space.
#
#   check-matrix.sh           every set of headers in the lab
#   check-matrix.sh --quick   the two kernels that the lab boots

cd "$(dirname "$0")/.." || exit 1
. tools/checks/tap.sh

LAB=${TULLE_LAB:-$HOME/.cache/tulle-lab}
WORK=$LAB/checks/matrix-$(pwd | cksum | cut -d' ' -f1)
JOBS=${JOBS:-$(nproc)}
# One of the first stable updates, 6.12.90 or the next that is still to be had, the
# last without and the first with the interfaces that 6.12 gained on its way, and
# the newest kernel.
WANTED="6.12.9 6.12.107 6.12.117 7.3"

versions()
{
	if [ "${1:-}" = --quick ]; then
		cat "$LAB/kernels/7.3" "$LAB/kernels/6.12"
	else
		cat "$LAB/kernels/headers"
	fi
}

copy()
{
	local dir=$WORK/$1

	mkdir -p "$dir/driver" "$dir/shims"
	rsync -rlpc --delete --exclude='*.o' --exclude='*.ko' --exclude='*.mod*' --exclude='.*.cmd' \
		--exclude='generated' --exclude='modules.order' --exclude='Module.symvers' \
		Makefile Kbuild Kconfig include core en ib "$dir/driver/" &&
		rsync -rlpc --exclude='*.o' tools/checks/compat_module/ "$dir/shims/" &&
		rsync -rlpc --delete --exclude='generated' include "$dir/shims/"
}

compile() # VERSION FOLDER [TARGET]
{
	local tree=/lib/modules/$1/build

	[ ! -d "$LAB/kernels/$1/build" ] || tree=$LAB/kernels/$1/build
	tools/lab root nice make -s -j "$JOBS" -C "$tree" "M=$WORK/$1/$2" W=1 KCFLAGS=-Werror "${3:-modules}"
}

layout()
{
	local dir=$WORK/$1/layout

	rm -rf "$dir"
	mkdir -p "$dir" && selftests/hw/layout.py source "$WORK/$1/driver/include" >"$dir/layout.c" || return 1
	gcc -std=gnu11 -c -o "$TAP_TMP/layout.o" "$dir/layout.c" || return 1
	echo 'obj-y := layout.o' >"$dir/Kbuild"
	compile "$1" layout layout.o && selftests/hw/layout.py check "gcc=$TAP_TMP/layout.o" "$1=$dir/layout.o"
}

# A matrix that lost a column would still pass; this notices.
complete()
{
	local version missing=0

	for version in $WANTED; do
		grep -q "^${version/./\\.}" "$LAB/kernels/headers" || {
			echo "no headers of a kernel $version* in $LAB/kernels/headers"
			missing=1
		}
	done
	return $missing
}

header()
{
	printf '#include "tulle_hw.h"\nint main(void) { return 0; }\n' >"$TAP_TMP/hw.c"
	"$@" -Wall -Wextra -Werror -pedantic -Wno-long-long -Iinclude -fsyntax-only "$TAP_TMP/hw.c"
}

echo "TAP version 13"
for cc in "gcc -std=gnu11" "gcc -std=c11" "clang -std=gnu11" "clang -std=gnu17"; do
	# shellcheck disable=SC2086
	tap_case "tulle_hw.h, $cc" header $cc
done

if [ ! -s "$LAB/kernels/headers" ]; then
	tap_skip "modules" "no lab at $LAB"
	tap_end
fi
[ "${1:-}" = --quick ] || tap_case "all kernels of the matrix are there" complete
for version in $(versions "$@"); do
	tap_case "sources for $version" copy "$version"
	tap_case "shims, $version" compile "$version" shims
	tap_case "modules, $version" compile "$version" driver
	tap_case "layout, $version" layout "$version"
done
tap_end
