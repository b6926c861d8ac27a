# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The Debian root: base system, kernels with headers, tools. Sourced by lab.

KERNEL_612=6.12.107+deb13
OLDEST_612=6.12.90+deb13
NEWEST_612=6.12.117+deb13

ROOT_TOOLS="
	build-essential bc bison flex rsync cpio kmod zstd dkms dwarves sparse coccinelle clang
	llvm lld cmake ninja-build pkg-config libssl-dev libcap-dev libmnl-dev libnuma-dev liburing-dev zlib1g-dev
	libnl-3-dev libnl-route-3-dev libudev-dev python3-dev
	python3 python3-yaml python3-jsonschema python3-pyverbs gawk perl
	udev systemd busybox-static iproute2 ethtool tcpdump tshark iperf3 netperf socat netsniff-ng ncat
	iputils-ping iputils-arping iputils-tracepath ndisc6 traceroute jq file strace ltrace
	rdma-core ibverbs-utils ibverbs-providers librdmacm-dev libibverbs-dev perftest rdmacm-utils infiniband-diags
	linuxptp lldpad libteam-utils smcroute bridge-utils ifenslave vlan openssh-server openssh-client procps psmisc
	kexec-tools pciutils usbutils virtme-ng nvme-cli fio nfs-common nfs-kernel-server
	nftables iptables conntrack mtd-utils hostname netbase vim-tiny less curl time stress-ng
	wireless-regdb keyutils util-linux-extra
"
# From backports: these must match the newer libelf that came with the kernel.
ROOT_TOOLS_BACKPORTS="libelf-dev libelf1t64 bpftool bpftrace linux-perf"

# The mirrors that the host's own apt uses, found by label so that none is named.
host_mirror()
{
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(LABEL)|$(SITE)' 'Created-By: Packages' |
		sed -n "s/^$1|//p" | head -n 1
}

write_sources()
{
	local main sec key=/usr/share/keyrings/debian-archive-keyring.gpg

	main=$(host_mirror Debian)
	sec=$(host_mirror Debian-Security)
	[ -n "$main" ] || {
		echo "apt on this machine has no Debian mirror with an index: run apt-get update, then try again"
		return 1
	}
	for s in $SUITE $SUITE-updates $SUITE-backports; do
		echo "deb [signed-by=$key] $main $s main"
	done
	echo "deb-src [signed-by=$key] $main $SUITE main"
	echo "deb-src [signed-by=$key] $main $SUITE-backports main"
	[ -z "$sec" ] || echo "deb [signed-by=$key] $sec $SUITE-security main"
}

# What the host's apt was told about proxies holds in the root as well.
host_apt_proxy()
{
	apt-config dump | sed -nE '/^Acquire::(http|https)::Proxy/p'
}

root_host()
{
	host_packages mmdebstrap debian-archive-keyring arch-test python3 rsync xz-utils zstd cpio util-linux
}

root_base()
{
	local tmp=$LAB/root.new

	rm -rf "$tmp" "$LAB/sources.list"
	write_sources >"$LAB/sources.list"
	mmdebstrap --variant=minbase --include=ca-certificates \
		--dpkgopt=force-unsafe-io \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"$SUITE" "$tmp" "$LAB/sources.list"
	host_apt_proxy >"$tmp/etc/apt/apt.conf.d/90host"
	cat >"$tmp/etc/apt/apt.conf.d/91lab" <<-'END'
		APT::Install-Recommends "false";
		Acquire::Retries "3";
	END
	# Nothing in the root is a service while packages are unpacked, and the
	# lab boots through an initramfs of its own.
	printf '#!/bin/sh\nexit 101\n' >"$tmp/usr/sbin/policy-rc.d"
	chmod 755 "$tmp/usr/sbin/policy-rc.d"
	mkdir -p "$tmp/etc/initramfs-tools"
	echo "update_initramfs=no" >"$tmp/etc/initramfs-tools/update-initramfs.conf"
	echo tulle-lab >"$tmp/etc/hostname"
	printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 tulle-lab\n' >"$tmp/etc/hosts"
	rm -rf "$ROOT"
	mv "$tmp" "$ROOT"
}

apt_root()
{
	in_root apt-get -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=600 -y "$@" && return 0
	echo "apt-get $* failed in the root: a package above could not be had. If the mirror is"
	echo "briefly out of step, wait and run tools/lab setup again; nothing done so far is lost."
	return 1
}

# The 6.12 releases whose image (or headers) the index still has, oldest first.
index_612()
{
	in_root apt-cache --names-only search "^linux-$1-6\\.12\\.[0-9.]+\\+deb13-amd64\$" |
		sed -n "s/^linux-$1-\([^ ]*\)-amd64 .*/\1/p" | sort -V
}

# aside SUITE: apt-get's options for that suite's index alone, which is read into
# $LAB/aside and leaves the root's own as it was.
aside()
{
	local main lists=$LAB/aside

	main=$(host_mirror Debian)
	rm -rf "$lists"
	mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $main $1 main" >"$lists/sources.list"
	ASIDE=(-o "Dir::Etc::sourcelist=$lists/sources.list" -o Dir::Etc::sourceparts=-
		-o "Dir::State::lists=$lists/lists" -o "Dir::Cache=$lists/cache"
		-o Acquire::Check-Valid-Until=false -o Acquire::Languages=none -o APT::Sandbox::User=root)
	in_root apt-get "${ASIDE[@]}" update
}

# aside_unpack PACKAGE...: into $LAB/aside/files
aside_unpack()
{
	# shellcheck disable=SC2016
	in_root sh -ec 'cd "$1" && shift && apt-get "$@" && for deb in ./*.deb; do dpkg -x "$deb" files; done' \
		sh "$LAB/aside" "${ASIDE[@]}" download "$@"
}

# The first updates of 6.12 have left this suite; the one before builds them, too,
# and keeps one longer. Only headers are wanted, and the compiler that they name:
# nothing of it runs.
old_headers()
{
	local version modules

	aside bookworm-backports || return 1
	version=$(in_root apt-cache "${ASIDE[@]}" --names-only search '^linux-headers-6\.12\.9[0-9.]*\+deb12-amd64$' |
		sed -n 's/^linux-headers-\([^ ]*\)-amd64 .*/\1/p' | sort -V | head -n 1)
	[ -n "$version" ] || return 1
	modules=$ROOT/usr/lib/modules/$version-amd64
	apt_root install gcc-12 || return 1
	aside_unpack "linux-headers-$version-amd64" "linux-headers-$version-common" "linux-kbuild-$version" &&
		cp -a "$LAB"/aside/files/usr/src/. "$ROOT/usr/src/" &&
		cp -a "$LAB"/aside/files/usr/lib/linux-kbuild-* "$ROOT/usr/lib/" &&
		mkdir -p "$modules" &&
		ln -sfn "/usr/src/linux-headers-$version-amd64" "$modules/build" &&
		rm -rf "$LAB/aside"
}

# want VERSION LIST-FILE oldest|newest: VERSION, or that end of the list when the
# mirror has dropped it: old point releases leave it one day.
pick_612()
{
	if grep -qxF "$1" "$2"; then
		echo "$1"
		return
	fi
	echo "$1 is no longer on the mirror: taking the $3 of its series" >&2
	if [ "$3" = oldest ]; then head -n 1 "$2"; else tail -n 1 "$2"; fi
}

root_kernels()
{
	local image=$LAB/kernels/index-image headers=$LAB/kernels/index-headers v

	mkdir -p "$LAB/kernels"
	in_root apt-get update
	index_612 image >"$image"
	index_612 headers >"$headers"
	apt_root install -t "$SUITE-backports" linux-image-amd64 linux-headers-amd64 initramfs-tools kmod
	set --
	if grep -qxF "$OLDEST_612" "$headers" || ! old_headers; then
		set -- "linux-headers-$(pick_612 "$OLDEST_612" "$headers" oldest)-amd64"
	fi
	set -- "$@" "linux-headers-$(pick_612 "$NEWEST_612" "$headers" newest)-amd64"
	v=$(pick_612 "$KERNEL_612" "$image" newest)
	apt_root install "linux-image-$v-amd64" "linux-headers-$v-amd64" "$@"
	note_kernels "$v-amd64"
}

# Files that map the names users type to full kernel versions, and the list of
# all versions that modules can be compiled for.
note_kernels()
{
	# Headers bring their image along: the newest image is not the chosen one.
	echo "$1" >"$LAB/kernels/6.12"
	basename -a "$ROOT"/boot/vmlinuz-7.* | sed 's/^vmlinuz-//' | sort -V | tail -n 1 >"$LAB/kernels/7.3"
	basename -a "$ROOT"/usr/src/linux-headers-*-amd64 | sed 's/^linux-headers-//' | sort -V >"$LAB/kernels/headers"
}

linux_source()
{
	local tarball dir

	apt_root install -t "$SUITE-backports" linux-source xz-utils
	tarball=$(find "$ROOT/usr/src" -name 'linux-source-7.*.tar.xz' | sort -V | tail -n 1)
	[ -n "$tarball" ]
	dir=$(basename "$tarball" .tar.xz)
	rm -rf "$LAB/src.new" "${LAB:?}/$dir"
	mkdir -p "$LAB/src.new"
	tar -C "$LAB/src.new" -xf "$tarball"
	mv "$LAB/src.new"/* "$LAB/$dir"
	rmdir "$LAB/src.new"
	ln -sfn "$dir" "$LAB/linux-source"
	rm -f "$tarball"
}

root_tools()
{
	# shellcheck disable=SC2086
	apt_root install -t $SUITE-backports $ROOT_TOOLS_BACKPORTS
	# shellcheck disable=SC2086
	apt_root install $ROOT_TOOLS
	in_root apt-get clean
	# The tests of rdma-core are packed half compressed; python wants them plain.
	find "$ROOT/usr/share/doc/rdma-core/tests" -name '*.gz' -exec gunzip -f {} +
}

# ethtool of the next suite, over the older one: some kernel selftests need it.
# Nothing else is taken from there, so its index is read aside and thrown away.
root_ethtool()
{
	if ! in_root dpkg --compare-versions "$(ethtool_version)" ge 7.2; then
		aside forky
		aside_unpack ethtool
		cp -a "$LAB"/aside/files/usr/. "$ROOT/usr/"
		rm -rf "$LAB/aside"
	fi
	in_root ethtool --version
	in_root dpkg --compare-versions "$(ethtool_version)" ge 7.2
}

ethtool_version()
{
	in_root ethtool --version | sed 's/.* //'
}

setup_root()
{
	step host-packages 3 root_host
	step root-base 2 root_base
	step root-kernels "3 $OLDEST_612 $KERNEL_612 $NEWEST_612" root_kernels
}

setup_root_tools()
{
	step linux-source 1 linux_source
	step root-tools "$(printf '%s' "$ROOT_TOOLS$ROOT_TOOLS_BACKPORTS" | cksum)" root_tools
	step root-ethtool 1 root_ethtool
}
