# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The kernel's own selftests, built once from its source and laid into every
# guest under /opt/ksft (a layer of the overlay: the guest may write there).

KSFT_WORK=$LAB/ksft/src

ksft_build()
{
	local out=$LAB/ksft/layer.new st=tools/testing/selftests

	rm -rf "$KSFT_WORK" "$out"
	mkdir -p "$LAB/ksft" "$out/opt/ksft"
	cp -al "$(readlink -f "$LAB/linux-source")" "$KSFT_WORK"
	# shellcheck disable=SC2016
	in_root nice -n 5 sh -ec '
		cd "$1"
		make -s -j "$3" headers
		make -C "$2" -j "$3" TARGETS="drivers/net drivers/net/hw net/lib net/forwarding" \
			install INSTALL_PATH="$4/opt/ksft"
		# Of net itself only what drives a real port: the rest judges the stack.
		install -D -t "$4/opt/ksft/net" "$2/net/netdevice.sh" "$2/net/lib.sh"
	' sh "$KSFT_WORK" "$st" "$JOBS" "$out"
	# Some packages lose the run bit of a script.
	find "$out/opt/ksft" \( -name '*.sh' -o -name '*.py' \) -exec chmod a+x {} +
	[ -x "$out/opt/ksft/drivers/net/stats.py" ]
	[ -x "$out/opt/ksft/drivers/net/hw/csum.py" ]
	[ -x "$out/opt/ksft/run_kselftest.sh" ]
	rm -rf "$LAB/ksft/layer"
	mv "$out" "$LAB/ksft/layer"
}

ksft_locked()
{
	step linux-source 1 linux_source
	step ksft "$(cksum <"$TOP/tools/lab.d/ksft.sh")" ksft_build
}

ksft_ready()
{
	with_lock ksft ksft_locked
}
