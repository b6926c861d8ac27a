#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
#
# headers.sh PABI CACHE: what a provider is compiled and linked against, for one
# version of libibverbs' private interface, under CACHE/PABI (include/ and lib/).
#
# rdma-core keeps the headers that a provider needs in its source package only.
# They are taken from there, never from this tree: the tarball comes through apt
# of the machine (or root) this runs in, from the mirror that apt uses already,
# and its hash from the index that apt has verified. apt's own lists are left
# alone: the index of sources is read aside, and thrown away.

set -eu

pabi=${1:?usage: headers.sh PABI CACHE}
cache=${2:?usage: headers.sh PABI CACHE}
package=rdma-core

# Which suite has a package with that interface, and what its signed index said
# when this was written, for the day the suite moves on.
case $pabi in
34) suite=trixie known=56.1 known_sum=63ce7f2baa7242c2dbc76375dac957c420187dd27f8c5e148efc07971ee522a8 ;;
65) suite=forky known=65.0 known_sum=f6ba3d8b2c4aa334c5c883c1ad0772de339011123cff4fb1db32ae7a443fb7ca ;;
*)
	echo "headers.sh: no suite is known for provider ABI $pabi (known: 34, 65)" >&2
	exit 2
	;;
esac
tarball=${package}_$known.orig.tar.gz

mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
work=$(mktemp -d "$cache/.work-XXXXXX")
trap 'rm -rf "$work"' EXIT

# aside COMMAND...: apt with lists and a source of its own. A mirror that stands
# still has an index that is signed, but old.
aside()
{
	"$1" -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- \
		-o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" \
		-o Acquire::Check-Valid-Until=false -o Acquire::Languages=none -o APT::Sandbox::User=root "${@:2}"
}

index()
{
	local site keyring=/usr/share/keyrings/debian-archive-keyring.gpg

	# shellcheck disable=SC2016
	site=$(apt-get indextargets --format '$(LABEL)|$(SITE)' 'Created-By: Packages' |
		sed -n 's/^Debian|//p' | head -n 1)
	if [ -z "$site" ] || [ ! -f "$keyring" ]; then
		echo "apt here has no Debian mirror with an index, or debian-archive-keyring is not installed"
		return 1
	fi
	mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
	echo "deb-src [signed-by=$keyring] $site $suite main" >"$work/sources.list"
	aside apt-get -q update
}

# Sum and name of the tarball in that index: sets tarball, sum, version.
look_up()
{
	local line

	version=$(aside apt-cache showsrc "$package" 2>/dev/null | sed -n 's/^Version: //p' | head -n 1)
	line=$(aside apt-cache showsrc "$package" 2>/dev/null |
		sed -n "s/^ \\([0-9a-f]\\{64\\}\\) [0-9]* \\(${package}_[^ ]*\\.orig\\.tar\\.[a-z0-9]*\\)\$/\\1 \\2/p" | head -n 1)
	[ -n "$version" ] && [ -n "$line" ] || return 1
	sum=${line%% *}
	tarball=${line#* }
}

fetch()
{
	local have

	sum=$known_sum
	if [ ! -f "$cache/$tarball" ]; then
		if index && look_up; then
			echo "$suite has $package $version"
		else
			echo "the index of $suite's sources could not be read: checking against the sum known from it earlier"
		fi
		[ -f "$cache/$tarball" ] ||
			(cd "$cache" && aside apt-get -q source --download-only --tar-only "$package=${version:-none}") ||
			echo "apt could not get $tarball"
	fi
	if [ ! -f "$cache/$tarball" ]; then
		echo "The source tarball of $package is needed for its private headers, and could not be had."
		echo "Put $tarball by hand into $cache (any mirror or snapshot of Debian's archive has it) and run again."
		return 1
	fi
	have=$(sha256sum "$cache/$tarball" | cut -d' ' -f1)
	[ "$have" = "$sum" ] && return 0
	echo "$cache/$tarball has the wrong sha256: $have, expected $sum. Remove it and run again."
	return 1
}

# The few headers that a provider sees; one of them rdma-core generates.
unpack()
{
	local src=$work/src inc=$work/new/include has

	mkdir -p "$src" "$inc"/{infiniband,ccan,util,kernel-abi,rdma}
	tar -C "$src" --strip-components=1 -xf "$cache/$tarball"
	has=$(sed -n 's/^set(IBVERBS_PABI_VERSION "\([0-9]*\)")$/\1/p' "$src/CMakeLists.txt")
	if [ "$has" != "$pabi" ]; then
		echo "$tarball has provider ABI ${has:-(none found)}, not $pabi."
		echo "Put $(known_name) by hand into $cache and run again."
		return 1
	fi
	(cd "$src/libibverbs" && cp driver.h kern-abi.h cmd_ioctl.h verbs.h verbs_api.h "$inc/infiniband/")
	cp "$src/kernel-headers/rdma/ib_user_ioctl_verbs.h" "$inc/infiniband/"
	cp "$src"/kernel-headers/rdma/{ib_user_verbs,ib_user_ioctl_verbs,ib_user_ioctl_cmds,rdma_user_ioctl,rdma_user_ioctl_cmds,ib_user_mad}.h "$inc/rdma/"
	(cd "$src/ccan" && cp build_assert.h check_type.h container_of.h list.h str.h str_debug.h "$inc/ccan/")
	(cd "$src/util" && cp compiler.h mmio.h udma_barrier.h "$inc/util/")
	python3 "$src/buildlib/make_abi_structs.py" "$inc/rdma/ib_user_verbs.h" "$inc/kernel-abi/ib_user_verbs.h"
	config >"$inc/config.h"
	symbols "$src/libibverbs/libibverbs.map.in" >"$work/symbols"
}

known_name()
{
	echo "${package}_$known.orig.tar.gz"
}

# What rdma-core's configuration would find with the compilers there are today.
config()
{
	cat <<-END
		#define HAVE_STATEMENT_EXPR 1
		#define HAVE_BUILTIN_TYPES_COMPATIBLE_P 1
		#define HAVE_TYPEOF 1
		#define HAVE_ISBLANK 1
		#define HAVE_FUNC_ATTRIBUTE_ALWAYS_INLINE 1
		#define SIZEOF_LONG __SIZEOF_LONG__
		#define IBVERBS_PABI_VERSION $pabi
		#define VERBS_IOCTL_ONLY 0
		#define VERBS_WRITE_ONLY 0
	END
}

# NODE NAME for everything that the library gives providers and programs. Names
# of the oldest node came back in the next one with another meaning.
symbols()
{
	sed "s/@IBVERBS_PABI_VERSION@/$pabi/g" "$1" | tr -d '\r' | awk '
		/^IBVERBS_/ { node = $1 }
		/^}/ { node = "" }
		node != "" && node != "IBVERBS_1.0" && /^[ \t]*[A-Za-z_][A-Za-z0-9_]*;$/ {
			gsub(/[ \t;]/, ""); print node, $0
		}'
}

# A library with the names and versions of the real one and nothing in it: what
# the linker needs, for versions that this machine does not have installed.
library()
{
	mkdir -p "$work/new/lib"
	awk '{ print "void " $2 "(void) {}" }' "$work/symbols" >"$work/stub.c"
	awk '{ if ($1 != last) { if (last) print "};"; print $1 " { global:"; last = $1 }
		print "\t" $2 ";" } END { print "};" }' "$work/symbols" >"$work/stub.map"
	${CC:-cc} -w -fno-builtin -shared -fPIC -nostdlib -o "$work/new/lib/libibverbs.so" "$work/stub.c" \
		-Wl,--version-script="$work/stub.map" -Wl,-soname,libibverbs.so.1
}

fetch
unpack
library
echo "$tarball $sum" >"$work/new/source"
rm -rf "${cache:?}/$pabi"
mv "$work/new" "$cache/$pabi"
echo "provider ABI $pabi: headers of $tarball in $cache/$pabi"
