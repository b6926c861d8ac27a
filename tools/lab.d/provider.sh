# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The libibverbs provider, built from this checkout inside the root. The result
# is a layer for the guest's overlay: the object, its .driver file, its udev rule.
# Private headers of rdma-core are fetched by provider/headers.sh, once.

PROVIDER_KEEP=10

have_provider()
{
	[ -f "$TOP/provider/Makefile" ]
}

provider_key()
{
	(
		cd "$TOP" || exit 1
		echo 1
		find provider include -type f ! -path 'provider/test/*' ! -path 'include/compat/*' -print0 |
			sort -z | xargs -0 sha256sum
	) | sha256sum | cut -c1-16
}

# One object for the guest's own library, and one for the library of the next
# suite as long as its source can be had: that it builds is worth knowing.
provider_build()
{
	local key dir=$LAB/provider out src sdk

	key=$(provider_key)
	src=$dir/src-$(printf '%s' "$TOP" | cksum | cut -d' ' -f1)
	out=$dir/$key
	sdk=$dir/sdk
	mkdir -p "$src" "$sdk"
	(cd "$TOP" && rsync -rlpc --delete --exclude=/provider/test --exclude=/include/compat provider include "$src/")
	in_root make -C "$src/provider" PABI=34 "CACHE=$sdk" "O=$src/build"
	rm -rf "$out.new"
	mkdir -p "$out.new"
	in_root make -C "$src/provider" PABI=34 "CACHE=$sdk" "O=$src/build" "DESTDIR=$out.new" install
	if [ -f "$sdk/65/source" ] || in_root "$src/provider/headers.sh" 65 "$sdk"; then
		in_root make -C "$src/provider" PABI=65 "CACHE=$sdk" "O=$src/build"
		in_root make -C "$src/provider" PABI=65 "CACHE=$sdk" "O=$src/build" "DESTDIR=$out.new" install
	else
		echo "no object for provider ABI 65: its headers could not be had (the lines above)"
	fi
	rm -rf "$out"
	mv "$out.new" "$out"
	find "$dir" -mindepth 1 -maxdepth 1 -type d ! -name 'src-*' ! -name sdk -printf '%T@ %p\n' | sort -rn |
		tail -n "+$((PROVIDER_KEEP + 1))" | cut -d' ' -f2- | xargs -r rm -rf
}

provider_build_locked()
{
	rm -f "$STAMPS/provider"
	step provider "$1" provider_build
}

# provider_ready: sets PROVIDER_LAYER, relative to the cache, or empties it when
# this checkout has no provider.
provider_ready()
{
	local key

	PROVIDER_LAYER=
	have_provider || return 0
	key=$(provider_key)
	if [ ! -d "$LAB/provider/$key" ]; then
		with_lock provider provider_build_locked "$key"
		[ -d "$LAB/provider/$key" ] || die "the sources changed while the provider was built: run again"
	fi
	touch "$LAB/provider/$key"
	# Read by lab.
	# shellcheck disable=SC2034
	PROVIDER_LAYER=provider/$key
}
