# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The debug kernel: built once from the distribution's kernel source, and kept.

DEBUG_WORK=$LAB/kernels/debug-build

debug_configure()
{
	local selftests=tools/testing/selftests

	# Links, not copies: the build writes new files and leaves the source alone.
	if [ ! -f "$DEBUG_WORK/Makefile" ]; then
		rm -rf "$DEBUG_WORK"
		mkdir -p "$LAB/kernels"
		cp -al "$(readlink -f "$LAB/linux-source")" "$DEBUG_WORK"
	fi
	cp "$TOP/tools/lab.d/debug-kernel.config" "$DEBUG_WORK/lab.config"
	# shellcheck disable=SC2016
	in_root sh -ec '
		cd "$1"
		make -s x86_64_defconfig kvm_guest.config
		scripts/kconfig/merge_config.sh -m .config "$2/drivers/net/config" \
			"$2/drivers/net/hw/config" "$2/net/forwarding/config" lab.config
		make -s olddefconfig
	' sh "$DEBUG_WORK" "$selftests"
	# An option that its dependencies turned off is worth knowing about.
	grep -E '^CONFIG_[A-Z0-9_]+=' "$DEBUG_WORK/lab.config" | while read -r line; do
		grep -qxF -- "$line" "$DEBUG_WORK/.config" || echo "not as asked for: $line"
	done
}

debug_compile()
{
	local version layer

	in_root nice -n 10 make -C "$DEBUG_WORK" -j "$JOBS" bzImage modules
	version=$(in_root make -s -C "$DEBUG_WORK" kernelrelease)
	layer=$LAB/kernels/$version/layer
	rm -rf "${LAB:?}/kernels/$version"
	mkdir -p "$layer/usr"
	in_root make -s -C "$DEBUG_WORK" INSTALL_MOD_PATH="$layer/usr" INSTALL_MOD_STRIP=1 modules_install
	rm -f "$layer/usr/lib/modules/$version/build" "$layer/usr/lib/modules/$version/source"
	cp "$DEBUG_WORK/arch/x86/boot/bzImage" "$LAB/kernels/$version/vmlinuz"
	cp "$DEBUG_WORK/System.map" "$LAB/kernels/$version/System.map"
	ln -s ../debug-build "$LAB/kernels/$version/build"
	echo "$version" >"$LAB/kernels/7.3-debug"
}

debug_locked()
{
	local key

	key=$(cat "$TOP/tools/lab.d/debug-kernel.config" "$TOP/tools/lab.d/debug.sh" | cksum)
	step linux-source 1 linux_source
	if [ ! -f "$STAMPS/debug-kernel" ] || [ "$(cat "$STAMPS/debug-kernel")" != "$key" ]; then
		say "building the debug kernel: this takes about half an hour, once"
	fi
	step debug-config "$key" debug_configure
	step debug-kernel "$key" debug_compile
}

# debug_ready: the first use builds it.
debug_ready()
{
	with_lock debug debug_locked
}
