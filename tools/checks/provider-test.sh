#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The provider beyond Debian 13: for the libibverbs of the next suite (provider ABI
# 65), and as packages.

cd "$(dirname "$0")/../.." || exit 1

LAB=${TULLE_LAB:-$HOME/.cache/tulle-lab}
SDK=$LAB/provider/sdk
O=$PWD/build/provider-65

make_provider() { make -s -C provider PABI=65 "O=$O" "CACHE=$SDK" "$@"; }

. tools/checks/tap.sh

# What was fetched once is kept. A mirror may have lost the source, or moved on.
headers()
{
	make_provider "$SDK/65/source"
}

no_source()
{
	headers >"$TAP_TMP/headers" 2>&1 && return 1
	sed 's/^/# /' "$TAP_TMP/headers"
	grep -q 'by hand into' "$TAP_TMP/headers"
}

unit_tests()
{
	make_provider check
}

# package PABI DEPENDS: it holds the object for this ABI only, and says so.
package()
{
	local deb root=$TAP_TMP/package.$1

	PABI=$1 CACHE=$SDK debian/build-provider "$root" || return 1
	deb=$(echo "$root"/*.deb)
	dpkg-deb --info "$deb" && dpkg-deb --contents "$deb" && dpkg-deb --extract "$deb" "$root/files" || return 1
	[ "$(dpkg-deb --field "$deb" Depends | sed 's/, libc6 .*//')" = "$2" ] &&
		[ "$(find "$root/files" -name '*.so' -printf '%f\n')" = "libtulle-rdmav$1.so" ] &&
		[ "$(grep -c . "$root/files/etc/libibverbs.d/tulle.driver")" = 1 ] &&
		objdump -T "$root"/files/usr/lib/*/libibverbs/*.so | grep "IBVERBS_PRIVATE_$1"
}

echo "TAP version 13"
tap_case "package for ABI 34" package 34 "libibverbs1 (>= 44), libibverbs1 (<< 57~)"
if no_source; then
	tap_skip "provider ABI 65" "the source of rdma-core 65 cannot be had"
else
	tap_case "headers of provider ABI 65" headers
	tap_case "unit tests with ABI 65" unit_tests
	tap_case "package for ABI 65" package 65 "libibverbs1 (>= 65), libibverbs1 (<< 66~)"
fi
tap_end
