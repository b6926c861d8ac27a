#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The DKMS package: it installs and builds for both kernels of the lab, the device
# loads what it built by its alias and passes traffic, a kernel that the driver
# cannot be built for is left alone, and removal leaves nothing.
#
#   dkms-test.sh              everything (root)
#   dkms-test.sh guest DIR    the part in the guest: modules found below DIR
#
# Building happens over the lab's root in an overlay that is gone afterwards,
# because compiling in an emulated machine would take an hour; loading in a guest.

cd "$(dirname "$0")/../.." || exit 1

LAB=${TULLE_LAB:-$HOME/.cache/tulle-lab}

say()
{
	echo "$*"
	"$@"
}

bound()
{
	local slot

	for slot in $TULLE_PCI; do
		[ "$(basename "$(readlink "/sys/bus/pci/devices/$slot/driver")")" = tulle_core ] || return 1
	done
	[ -e /sys/class/net/tulle0 ] && [ -e /sys/class/net/tulle1 ]
}

# Virtio's driver takes every device of the vendor, so it was there first and has
# let go of these; and what loads now can only be the package's.
untouched()
{
	say test -d /sys/bus/pci/drivers/virtio-pci && say test ! -e /sys/module/tulle_core &&
		[ -n "$TULLE_PCI" ] && ! bound
}

# udev, not a command, loads the driver: nobody names the module.
by_alias()
{
	rm -f /run/modprobe.d/lab.conf
	# udev began with another module index.
	udevadm control --reload
	udevadm trigger --action=add --subsystem-match=pci --attr-match=class=0x020000
	udevadm settle --timeout=60
	retry 20 bound
}

ours()
{
	local module

	for module in tulle_core tulle_en; do
		modinfo -F filename "$module" | grep '/updates/dkms/' || return 1
		say test "$(modinfo -F srcversion "$module")" = "$(cat "/sys/module/$module/srcversion")" || return 1
	done
}

passes()
{
	env_pair
	port_carrier tulle0 && ping -c 3 "$REMOTE_V4" && ping -c 3 "$REMOTE_V6"
}

# The index comes along: DKMS made it, and depmod takes minutes in emulation.
guest()
{
	local built target

	. selftests/lib/env.sh
	built=$1/$(uname -r)
	target=/lib/modules/$(uname -r)
	mkdir -p "$target/updates/dkms" && cp "$built"/updates/dkms/* "$target/updates/dkms/" &&
		cp "$built"/modules.* "$target/" && untouched && by_alias && ours && passes
}

if [ "${1:-}" = guest ]; then
	guest "$2"
	exit
fi

# All mounts are in a name space of their own and gone with it.
if [ "${1:-}" != inner ]; then
	DIR=$(mktemp -d) || exit 1
	trap 'rmdir "$DIR"' EXIT
	unshare --mount --propagation private "$0" inner "$DIR"
	exit
fi

. tools/checks/tap.sh
TAP_LINES=25
DIR=$2
kernels=$(cat "$LAB/kernels/7.3" "$LAB/kernels/6.12") || exit 1

mount -t tmpfs -o mode=755,size=2g tmpfs "$DIR" && mkdir "$DIR/upper" "$DIR/work" "$DIR/root" &&
	mount -t overlay overlay -o "lowerdir=$LAB/root,upperdir=$DIR/upper,workdir=$DIR/work" "$DIR/root" &&
	mount -t proc proc "$DIR/root/proc" && mount --bind /dev "$DIR/root/dev" || exit 1

inside() { chroot "$DIR/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp DEBIAN_FRONTEND=noninteractive "$@"; }
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)

# DKMS builds for each kernel that it finds; the others of the lab would double the time.
hide_kernels()
{
	local path

	for path in "$DIR"/root/usr/lib/modules/*; do
		echo "$kernels" | grep -qxF "$(basename "$path")" || rm -rf "$path"
	done
	inside ls /lib/modules
}

package()
{
	debian/build-dkms "$DIR" && mv "$DIR/tulle-dkms_${version}_all.deb" "$DIR/root/tmp/package.deb"
}

installs()
{
	hide_kernels && inside dpkg -i /tmp/package.deb && inside dkms status -m tulle | grep -q .
}

built()
{
	inside dkms status -m tulle -k "$1" | grep -q installed || {
		tail -n 15 "$DIR/root/var/lib/dkms/tulle/$version/build/make.log"
		return 1
	}
	inside modinfo -k "$1" -F filename tulle_en | grep dkms
}

loads()
{
	tools/lab exec --kernel "$1" --nothing --timeout 200 --share "$PWD" --share "$DIR/upper/usr/lib/modules" -- \
		"tools/checks/dkms-test.sh guest $DIR/upper/usr/lib/modules"
}

# A tree whose build always fails stands for a kernel of the future.
soft_failure()
{
	local modules=$DIR/root/usr/lib/modules/99.0-strange status=0

	mkdir -p "$DIR/root/tmp/strange/include" "$modules"
	printf 'modules:\n\t@echo no such interface; false\n' >"$DIR/root/tmp/strange/Makefile"
	ln -sfn /tmp/strange "$modules/build"
	inside /etc/kernel/postinst.d/dkms 99.0-strange >"$DIR/soft" 2>&1 || status=$?
	cat "$DIR/soft"
	rm -rf "$modules"
	[ $status = 0 ] && grep -q 'skipped for module(s) tulle' "$DIR/soft"
}

removed()
{
	inside dpkg -r tulle-dkms && ! inside modinfo -k "$1" tulle_en && ! inside dkms status -m tulle | grep .
}

echo "TAP version 13"
tap_case "package builds" package
tap_case "package installs" installs
for kernel in $kernels; do
	tap_case "modules for $kernel" built "$kernel"
done
tap_case "a kernel it does not build for is left alone" soft_failure
for kernel in $kernels; do
	tap_case "the device loads them by its alias, $kernel" loads "$kernel"
done
tap_case "removal leaves nothing" removed "$(echo "$kernels" | head -n 1)"
tap_end
