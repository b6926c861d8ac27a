# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The driver's modules for one kernel, built from this checkout inside the root.
# The result is a layer for the guest's overlay: the modules and a fresh index.

MODULE_SOURCES="Makefile Kbuild Kconfig include core en ib"

modules_list()
{
	local s

	for s in $MODULE_SOURCES; do
		[ ! -e "$TOP/$s" ] || echo "$s"
	done
}

have_modules()
{
	[ -f "$TOP/Makefile" ] && [ -f "$TOP/Kbuild" ] && [ -d "$TOP/core" ]
}

modules_key()
{
	(
		cd "$TOP" || exit 1
		echo "4 $1"
		# shellcheck disable=SC2046
		find $(modules_list) -type f \( -name '*.[chS]' -o -name Makefile -o -name Kbuild -o -name Kconfig \
			-o -name '*.sh' -o -name '*.mk' \) ! -name '*.mod.c' -print0 | sort -z | xargs -0 sha256sum
	) | sha256sum | cut -c1-16
}

# kernel_build_dir VERSION: what modules are compiled against, as the root sees it.
kernel_build_dir()
{
	if [ -d "$LAB/kernels/$1/build" ]; then
		echo "$LAB/kernels/$1/build"
	else
		echo "/lib/modules/$1/build"
	fi
}

# Compiles what changed since the last time in this checkout's own copy.
modules_build()
{
	local version=$MODULES_VERSION key dir out src

	key=$(modules_key "$version")
	dir=$LAB/modules/$version
	src=$dir/src-$(printf '%s' "$TOP" | cksum | cut -d' ' -f1)
	out=$dir/$key
	mkdir -p "$src"
	# Objects stay, deleted sources go.
	# shellcheck disable=SC2046
	(cd "$TOP" && rsync -rlpc --delete --include='*/' --include='*.[chS]' --include=Makefile --include=Kbuild \
		--include=Kconfig --include='*.sh' --include='*.mk' --exclude='*' $(modules_list) "$src/")
	in_root make -C "$src" "KDIR=$(kernel_build_dir "$version")" -j "$JOBS" modules
	rm -rf "$out.new"
	mkdir -p "$out.new/usr/lib/modules/$version/updates/tulle"
	find "$src" -name 'tulle_*.ko' -exec cp {} "$out.new/usr/lib/modules/$version/updates/tulle/" \;
	[ -n "$(ls "$out.new/usr/lib/modules/$version/updates/tulle")" ]
	modules_index "$out.new" "$version"
	rm -rf "$out"
	mv "$out.new" "$out"
	find "$dir" -mindepth 1 -maxdepth 1 -type d ! -name 'src-*' -printf '%T@ %p\n' | sort -rn |
		tail -n +11 | cut -d' ' -f2- | xargs -r rm -rf
}

# depmod over the kernel's own modules and ours, as if the layer lay over the root.
modules_index()
{
	local layer=$1 version=$2 moddir=$1/usr/lib/modules/$2 base

	boot_dirs "$version"
	base=$BOOT_MODULEDIR
	cp "$base"/modules.order "$base"/modules.builtin "$base"/modules.builtin.modinfo "$moddir/"
	ln -s "${base#"$ROOT"}/kernel" "$moddir/kernel"
	ln -s usr/lib "$layer/lib"
	in_root depmod -b "$layer" "$version"
	rm "$moddir/kernel" "$layer/lib"
}

modules_build_locked()
{
	rm -f "$STAMPS/modules-$MODULES_VERSION"
	step "modules-$MODULES_VERSION" "$1" modules_build
}

# modules_ready VERSION: sets MODULES_LAYER, relative to the cache, or empties it
# when this checkout has no driver.
modules_ready()
{
	local key

	MODULES_LAYER=
	have_modules || return 0
	export MODULES_VERSION=$1
	key=$(modules_key "$1")
	if [ ! -d "$LAB/modules/$1/$key" ]; then
		with_lock "modules-$1" modules_build_locked "$key"
		[ -d "$LAB/modules/$1/$key" ] || die "the sources changed while the modules were built: run again"
	fi
	touch "$LAB/modules/$1/$key"
	# Read by lab.
	# shellcheck disable=SC2034
	MODULES_LAYER=modules/$1/$key
}
