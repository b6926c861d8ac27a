# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# QEMU from the distribution's source package, with the Tulle device compiled
# in. One source tree and one build tree serve every checkout, under a lock; the
# binary of each state of the sources is kept under the hash of those sources.
# It is built inside the Debian root, whatever this machine runs, and linked to
# that root's loader and libraries so that it starts here without a chroot.

QEMU_VERSION=10.0.13+ds
QEMU_TARBALL=qemu_$QEMU_VERSION.orig.tar.xz
# What the signed index said, for the day the mirror moves on and the tarball
# comes by hand.
QEMU_SHA256=6a0888e806c2ffc0c5f0733e974f9aea55491950d3c47c98669c8b236dde59ae
QEMU_SRC=$LAB/qemu-src
QEMU_BUILD=$LAB/qemu-build
QEMU_CONFIGURE="--target-list=x86_64-softmmu --without-default-features --enable-kvm --enable-tcg
	--enable-virtfs --enable-attr --enable-cap-ng --enable-slirp --enable-plugins --enable-vhost-user
	--enable-vhost-net --enable-vhost-kernel --enable-fdt --disable-docs --disable-tools --disable-guest-agent"
QEMU_LDFLAGS="-Wl,--dynamic-linker=$ROOT/lib64/ld-linux-x86-64.so.2"
QEMU_LDFLAGS="$QEMU_LDFLAGS -Wl,--disable-new-dtags -Wl,-rpath,$ROOT/usr/lib/x86_64-linux-gnu"
QEMU_PACKAGES="gcc libc6-dev make libglib2.0-dev libpixman-1-dev zlib1g-dev libattr1-dev libcap-ng-dev
	libslirp-dev libfdt-dev libssl-dev python3-venv python3-pycotap meson ninja-build pkg-config flex bison bzip2 xz-utils
	rsync seabios qemu-system-data"
QEMU_KEEP=10

# The sum that the index, which apt has verified, gives for the tarball.
qemu_index_sum()
{
	in_root apt-cache showsrc qemu |
		sed -n "s/^ \\([0-9a-f]\\{64\\}\\) [0-9]* $QEMU_TARBALL\$/\\1/p" | head -n 1
}

qemu_download()
{
	local version

	version=$(in_root apt-cache showsrc qemu | sed -n "s/^Version: \\(.*:$QEMU_VERSION-.*\\)/\\1/p" | head -n 1)
	[ -n "$version" ] || return 1
	# shellcheck disable=SC2016
	in_root sh -c 'cd "$1" && apt-get -o APT::Sandbox::User=root source --download-only --tar-only "qemu=$2"' \
		sh "$DOWNLOADS" "$version"
}

qemu_fetch()
{
	local want have

	want=$(qemu_index_sum)
	if [ -z "$want" ]; then
		echo "the package index has no $QEMU_TARBALL: checking against the sum known from it earlier"
		want=$QEMU_SHA256
	fi
	[ -f "$DOWNLOADS/$QEMU_TARBALL" ] || qemu_download || echo "apt could not get it"
	if [ ! -f "$DOWNLOADS/$QEMU_TARBALL" ]; then
		echo "could not have QEMU's source tarball, $QEMU_TARBALL, from the mirror that apt uses here."
		echo "Put it by hand into $DOWNLOADS (any mirror or snapshot of Debian's archive has it) and run again."
		return 1
	fi
	have=$(sha256sum "$DOWNLOADS/$QEMU_TARBALL" | cut -d' ' -f1)
	if [ "$have" != "$want" ]; then
		echo "$DOWNLOADS/$QEMU_TARBALL has the wrong sha256: $have, expected $want."
		echo "Remove it and run again."
		return 1
	fi
	echo "$QEMU_TARBALL: sha256 as in the index"
}

# The package leaves out the ROM images that its build names. Empty files take
# their place; the machine runs with the packaged ones (-L).
qemu_fake_roms()
{
	local list=$QEMU_SRC/pc-bios/meson.build rom

	{
		sed -n "/fds = \[/,/\]/s/^ *'\(.*\)',\$/\1.bz2/p" "$list"
		sed -n "/^blobs = \[/,/^\]/s/^ *'\(.*\)',\$/\1/p" "$list"
		sed -n "s/^ *'\(.*\)\.dts',\$/\1.dtb/p" "$list"
	} | while read -r rom; do
		[ -e "$QEMU_SRC/pc-bios/$rom" ] || touch "$QEMU_SRC/pc-bios/$rom"
	done
}

qemu_unpack()
{
	# shellcheck disable=SC2086
	apt_root install $QEMU_PACKAGES
	qemu_fetch
	rm -rf "$QEMU_SRC" "$QEMU_SRC.new" "$QEMU_BUILD"
	mkdir -p "$QEMU_SRC.new"
	tar -C "$QEMU_SRC.new" --strip-components=1 -xf "$DOWNLOADS/$QEMU_TARBALL"
	cp "$QEMU_SRC.new/hw/net/meson.build" "$QEMU_SRC.new/hw/net/meson.build.orig"
	cp "$QEMU_SRC.new/hw/net/Kconfig" "$QEMU_SRC.new/hw/net/Kconfig.orig"
	mv "$QEMU_SRC.new" "$QEMU_SRC"
	qemu_fake_roms
}

qemu_configure()
{
	rm -rf "$QEMU_BUILD"
	mkdir -p "$QEMU_BUILD"
	# shellcheck disable=SC2016,SC2086
	in_root sh -c 'cd "$1" && shift && exec "$@"' sh "$QEMU_BUILD" \
		"$QEMU_SRC/configure" $QEMU_CONFIGURE "--extra-ldflags=$QEMU_LDFLAGS"
}

# put_if_changed FILE: standard input becomes FILE; its time moves only when
# its content does, so that ninja rebuilds what changed and nothing else.
put_if_changed()
{
	cat >"$1.lab"
	if cmp -s "$1.lab" "$1"; then rm -f "$1.lab"; else mv "$1.lab" "$1"; fi
}

qemu_sync_device()
{
	local dev=$QEMU_SRC/hw/net/tulle

	if [ -f "$TOP/firmware/qemu/meson.build" ]; then
		mkdir -p "$dev/include"
		rsync -rlpc --delete --exclude=/include --exclude=/test --exclude=/images --exclude=/build.h \
			--exclude='*.o' --exclude='*.a' --exclude='*.d' "$TOP/firmware/" "$dev/"
		echo "#define TFW_BUILD \"$(qemu_key)\"" | put_if_changed "$dev/build.h"
		rsync -rlpc --delete --include='*.h' --exclude='*' "$TOP/include/" "$dev/include/"
		{ cat "$QEMU_SRC/hw/net/meson.build.orig"; echo "subdir('tulle/qemu')"; } |
			put_if_changed "$QEMU_SRC/hw/net/meson.build"
		{ cat "$QEMU_SRC/hw/net/Kconfig.orig"; echo "source tulle/qemu/Kconfig"; } |
			put_if_changed "$QEMU_SRC/hw/net/Kconfig"
	else
		rm -rf "$dev"
		put_if_changed "$QEMU_SRC/hw/net/meson.build" <"$QEMU_SRC/hw/net/meson.build.orig"
		put_if_changed "$QEMU_SRC/hw/net/Kconfig" <"$QEMU_SRC/hw/net/Kconfig.orig"
	fi
}

# Faults of that QEMU which the lab's guests would suffer from. Applied to a copy
# of the original each time, so that a changed patch needs no new source tree.
qemu_patch()
{
	local file=$QEMU_SRC/system/physmem.c

	[ -f "$file.orig" ] || cp "$file" "$file.orig"
	in_root patch -s -o - "$file.orig" <"$TOP/tools/lab.d/qemu-tlb-map.patch" >"$file.new" || return 1
	put_if_changed "$file" <"$file.new"
	rm -f "$file.new"
}

# The hash of everything that decides the binary.
qemu_key()
{
	(
		cd "$TOP" || exit 1
		echo "$QEMU_VERSION $QEMU_CONFIGURE"
		sha256sum tools/lab.d/plugin/insns.c tools/lab.d/*.patch
		# A checkout without the device builds a plain QEMU.
		[ -f firmware/qemu/meson.build ] || exit 0
		find firmware include -maxdepth 3 -type f \
			\( -name '*.[chS]' -o -name meson.build -o -name Kconfig \) \
			! -path 'firmware/test/*' ! -path 'include/compat/*' -print0 |
			sort -z | xargs -0 sha256sum
	) | sha256sum | cut -c1-16
}

qemu_compile()
{
	local key out

	qemu_sync_device
	qemu_patch
	# Taken after the copy, from the checkout: a file edited in between makes
	# the next look-up build again.
	key=$(qemu_key)
	out=$LAB/qemu/$key
	in_root ninja -C "$QEMU_BUILD" -j "$JOBS" qemu-system-x86_64 contrib-plugins test-plugins
	rm -rf "$out.new"
	mkdir -p "$out.new/plugins"
	cp "$QEMU_BUILD/qemu-system-x86_64" "$out.new/"
	cp "$QEMU_BUILD"/contrib/plugins/*.so "$QEMU_BUILD"/tests/tcg/plugins/*.so "$out.new/plugins/"
	qemu_plugin "$out.new/plugins"
	rm -rf "$out"
	mv "$out.new" "$out"
	qemu_prune
}

# The lab's own plugin, which counts instructions for benchmarks.
qemu_plugin()
{
	cp "$TOP/tools/lab.d/plugin/insns.c" "$QEMU_BUILD/lab-insns.c"
	# shellcheck disable=SC2016
	in_root sh -ec 'gcc -O2 -Wall -shared -fPIC -I"$1/include/qemu" $(pkg-config --cflags glib-2.0) \
		-o "$3/insns.so" "$2/lab-insns.c"' sh "$QEMU_SRC" "$QEMU_BUILD" "$1"
}

# Old binaries go, the recently used stay (each use touches its folder).
qemu_prune()
{
	find "$LAB/qemu" -mindepth 1 -maxdepth 1 -printf '%T@ %p\n' | sort -rn |
		tail -n "+$((QEMU_KEEP + 1))" | cut -d' ' -f2- | xargs -r rm -rf
}

qemu_build_locked()
{
	local key=$1

	step qemu-source "5 $QEMU_VERSION" qemu_unpack
	step qemu-configure "$QEMU_VERSION $QEMU_CONFIGURE $QEMU_LDFLAGS" qemu_configure
	[ -x "$LAB/qemu/$key/qemu-system-x86_64" ] && return 0
	rm -f "$STAMPS/qemu-build"
	step qemu-build "$key" qemu_compile
}

# qemu_ready: builds what is missing and sets QEMU_BIN.
qemu_ready()
{
	local key

	key=$(qemu_key)
	QEMU_BIN=$LAB/qemu/$key/qemu-system-x86_64
	if [ ! -x "$QEMU_BIN" ]; then
		with_lock qemu qemu_build_locked "$key"
		[ -x "$QEMU_BIN" ] || die "the sources changed while QEMU was built: run again"
	fi
	touch "$LAB/qemu/$key"
}
