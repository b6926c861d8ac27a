# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What a kernel needs to boot in the lab: its image and its modules unpacked once
# (the guest need not do it under emulation) and a small initramfs.

BOOT_MODULES="virtio_pci virtio_console 9pnet_virtio 9p overlay"

# boot_dirs VERSION: where this kernel's files are.
boot_dirs()
{
	BOOT_DIR=$LAB/boot/$1
	if [ -f "$LAB/kernels/$1/vmlinuz" ]; then
		BOOT_IMAGE=$LAB/kernels/$1/vmlinuz
		BOOT_LAYER=kernels/$1/layer
		BOOT_MODULEDIR=$LAB/$BOOT_LAYER/usr/lib/modules/$1
	else
		BOOT_IMAGE=$ROOT/boot/vmlinuz-$1
		BOOT_LAYER=
		BOOT_MODULEDIR=$ROOT/usr/lib/modules/$1
	fi
}

boot_module_list()
{
	local m

	for m in $BOOT_MODULES; do
		in_root modprobe -d "${BOOT_LAYER:+$LAB/$BOOT_LAYER/usr}/" -S "$1" --show-depends "$m" |
			sed -n 's/^insmod \([^ ]*\).*/\1/p'
	done | awk '!seen[$0]++'
}

# The distribution's modules, unpacked in place: the guest loads them faster, and
# an index over them takes a fraction of a second instead of five.
boot_modules()
{
	find "$BOOT_MODULEDIR/kernel" -name '*.ko.xz' -print0 | xargs -0 -r -n 64 -P "$JOBS" xz -d -f
	in_root depmod "$1"
}

boot_packed()
{
	[ -n "$(find "$BOOT_MODULEDIR/kernel" -name '*.ko.xz' -print -quit)" ]
}

boot_build()
{
	local version tmp file

	version=$(cat "$LAB/boot/building")
	boot_dirs "$version"
	tmp=$LAB/boot/new
	rm -rf "$tmp"
	mkdir -p "$tmp/fs/bin" "$tmp/fs/modules"
	cp "$ROOT/usr/bin/busybox" "$tmp/fs/bin/busybox"
	install -m 755 "$TOP/tools/lab.d/guest/init" "$tmp/fs/init"
	[ -n "$BOOT_LAYER" ] || boot_modules "$version"
	boot_module_list "$version" >"$tmp/list"
	while read -r file; do
		# Those of the root are named as the chroot sees them.
		[ -f "$file" ] || file=$ROOT$file
		cp "$file" "$tmp/fs/modules/"
		basename "$file"
	done <"$tmp/list" >"$tmp/fs/modules/order"
	(cd "$tmp/fs" && find . | cpio -o -H newc -R 0:0 --quiet) >"$tmp/initramfs"
	# A KASAN kernel is lost in the entry that QEMU takes into an ELF image.
	if [ -n "$BOOT_LAYER" ]; then
		cp "$BOOT_IMAGE" "$tmp/kernel"
	else
		boot_unpack "$BOOT_IMAGE" >"$tmp/kernel"
	fi
	rm -rf "$tmp/fs" "$tmp/list" "$BOOT_DIR"
	mv "$tmp" "$BOOT_DIR"
}

# boot_unpack IMAGE: the ELF kernel inside a zstd-packed bzImage. The payload's
# place is in the boot protocol's header (setup_sects, payload offset, length).
boot_unpack()
{
	python3 - "$1" <<-'END' | zstd -dcq
		import struct, sys
		with open(sys.argv[1], "rb") as f:
		    image = f.read()
		sects = image[0x1f1] or 4
		offset, length = struct.unpack_from("<II", image, 0x248)
		start = (sects + 1) * 512 + offset
		# The last four bytes are the unpacked size, not part of the stream.
		sys.stdout.buffer.write(image[start:start + length - 4])
	END
}

# boot_ready VERSION: BOOT_DIR then holds kernel and initramfs.
boot_ready()
{
	boot_dirs "$1"
	[ -f "$BOOT_IMAGE" ] || die "kernel $1 is not in the lab: run tools/lab setup"
	with_lock boot boot_ready_locked "$1"
}

boot_ready_locked()
{
	local key

	mkdir -p "$LAB/boot"
	key="2 $(cat "$TOP/tools/lab.d/guest/init" "$TOP/tools/lab.d/boot.sh" | cksum) $(stat -c %Y "$BOOT_IMAGE")"
	if [ ! -f "$BOOT_DIR/kernel" ] || boot_packed; then
		rm -f "$STAMPS/boot-$1"
	fi
	echo "$1" >"$LAB/boot/building"
	step "boot-$1" "$key" boot_build
}

# A trial boot decides whether KVM is of use: on some hosts the node opens and
# guests hang early on.
accel_trial()
{
	local version console=$LOGS/accel-console.log

	version=$(cat "$LAB/kernels/7.3")
	boot_ready "$version"
	qemu_ready
	rm -f "$console"
	timeout -k 2 30 "$QEMU_BIN" -L "$ROOT/usr/share/seabios" -L "$ROOT/usr/share/qemu" -machine q35 \
		-accel kvm -cpu host -smp 2 -m 512 -nodefaults -no-user-config -display none -no-reboot \
		-serial "file:$console" -kernel "$BOOT_DIR/kernel" -initrd "$BOOT_DIR/initramfs" \
		-append "console=ttyS0 panic=-1 lab.trial" || echo "the trial guest did not end well: status $?"
	if grep -q 'lab: trial boot works' "$console"; then echo kvm; else echo tcg; fi >"$LAB/accel"
	cat "$LAB/accel"
}
