#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Sizes and offsets of the device interface: gcc, clang, 32 bits, C++. Kernels
# are compared with them by tools/check-matrix.sh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$here/layout.py" source >"$tmp/layout.c"
cp "$tmp/layout.c" "$tmp/layout.cc"

objects=()
build() { # LABEL COMMAND...
	local label=$1
	shift
	"$@" -c -o "$tmp/$label.o"
	objects+=("$label=$tmp/$label.o")
}

build gcc gcc -std=gnu11 -Wall -Werror "$tmp/layout.c"
build gcc-c99 gcc -std=gnu99 -O2 "$tmp/layout.c"
build gcc-m32 gcc -m32 -I/usr/include/x86_64-linux-gnu "$tmp/layout.c"
build clang clang -std=gnu11 -Wall -Werror "$tmp/layout.c"
build clang-m32 clang -m32 -I/usr/include/x86_64-linux-gnu "$tmp/layout.c"
build c++ g++ -D_Static_assert=static_assert "$tmp/layout.cc"
"$here/layout.py" check "${objects[@]}"
