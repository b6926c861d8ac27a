#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The drawing in README.md as a check: which file may include which, what core
# may export, where the kernel's version may show, how long things may be.

cd "$(dirname "$0")/.." || exit 1
. tools/checks/tap.sh

MAX_LINES=1000
MAX_FUNCTION=60
MAX_EXPORTS=40

# includes PATTERN...: "file header" for every include of the files that match.
includes()
{
	tree_files "$@" | xargs -r grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]+[>"]' |
		sed -E 's/^([^:]*):[^<"]*([<"])([^>"]*)[>"]/\1 \2\3/'
}

# A module sees its own folder and the shared headers; quotes are ours, brackets the kernel's.
module_includes()
{
	local dir=$1 file header

	shift
	includes "$dir/*.[ch]" | while read -r file header; do
		case $header in
		'<'*) ;;
		*/*) echo "$file includes $header" ;;
		*)
			header=${header#\"}
			[ -f "$dir/$header" ] && continue
			case " $* " in
			*" $header "*) ;;
			*) echo "$file includes $header" ;;
			esac
			;;
		esac
	done
}

# A bracket must not reach another layer either.
ours_in_brackets()
{
	includes 'core/*.[ch]' 'en/*.[ch]' 'ib/*.[ch]' 'firmware/*.[ch]' | grep -E ' <(tulle|tfw)' | grep -v '^firmware/test/'
}

firmware_includes()
{
	local file header

	includes 'firmware/*.[ch]' | grep -v '^firmware/\(qemu\|test\)/' | while read -r file header; do
		case $header in
		'<stdarg.h' | '<stdbool.h' | '<stddef.h' | '<stdint.h' | '<stdio.h' | '<string.h' | '<stdatomic.h' | '<limits.h') ;;
		'<linux/types.h' | '<immintrin.h' | '<openssl/'*) ;;
		'"tulle_hw.h' | '"tulle_bits.h') ;;
		'"build.h') ;; # that of whoever builds it, when there is one
		'"'*) [ -f "firmware/${header#\"}" ] || echo "$file includes ${header#\"}" ;;
		*) echo "$file includes ${header#<}" ;;
		esac
	done
}

# Only the folder of the host knows QEMU, and it does not know the driver.
qemu_headers()
{
	includes 'firmware/*.[ch]' 'core/*.[ch]' 'en/*.[ch]' 'include/*.h' | grep -v '^firmware/qemu/' |
		grep -E ' "(qemu|hw|qapi|qom|net|exec|migration|system|sysemu)/'
	includes 'firmware/qemu/*.[ch]' | grep -E ' .([./]*(core|en|ib)/)?(core|en|ib|tulle_core)\.h$'
}

interface_includes()
{
	includes include/tulle_hw.h 'include/tulle_hw_*.h' | grep -v -e ' <linux/types.h$' -e '^include/tulle_hw.h "tulle_hw_'
}

bare_exports()
{
	tree_files 'core/*.c' 'en/*.c' 'ib/*.c' | xargs -r grep -nE '^[[:space:]]*EXPORT_SYMBOL' |
		grep -vE ':EXPORT_SYMBOL_NS_GPL\([a-z0-9_]+, "TULLE_CORE"\);'
	tree_files 'en/*.c' 'ib/*.c' | xargs -r grep -nE '^[[:space:]]*EXPORT_SYMBOL'
}

few_exports()
{
	local n

	n=$(tree_files 'core/*.c' | xargs -r cat | grep -c '^EXPORT_SYMBOL')
	echo "$n exports, at most $MAX_EXPORTS"
	[ "$n" -le $MAX_EXPORTS ]
}

versions()
{
	tree_files core en ib firmware include provider tools selftests | grep -E '\.(c|h|sh|mk)$' |
		grep -v -e '^firmware/qemu/' -e '^tools/check-layers.sh$' |
		xargs -r grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION\(|LINUX_VERSION_MAJOR|TULLE_HAVE_' |
		grep -v '^include/compat/[^:]*:[0-9]*:.*TULLE_HAVE_'
}

# Every source of a module is in its object list, and the list is sorted.
object_lists()
{
	local dir

	for dir in core en ib; do
		[ -f $dir/Kbuild ] || continue
		sed -n 's/^\t\([a-z0-9_]*\)\.o.*/\1/p' $dir/Kbuild >"$TAP_TMP/listed"
		LC_ALL=C sort -c "$TAP_TMP/listed" 2>&1
		tree_files "$dir/*.c" | sed "s#^$dir/##; s#\.c\$##" | LC_ALL=C sort >"$TAP_TMP/sources"
		LC_ALL=C sort "$TAP_TMP/listed" | diff - "$TAP_TMP/sources" | sed -n "s#^< #$dir/Kbuild lists without a source: #p; s#^> #$dir/Kbuild lacks #p"
	done
}

# Configuration belongs into headers and the object list.
conditionals()
{
	tree_files 'core/*.c' 'en/*.c' 'ib/*.c' | xargs -r grep -nE '^[[:space:]]*#[[:space:]]*(if|ifdef|ifndef|elif)\b'
}

# The device interface is one file on purpose: it is the datasheet.
long_files()
{
	tree_files | grep -E '\.(c|h|py|sh|rst|md)$|^tools/[a-z-]*$' | xargs wc -l |
		awk -v max=$MAX_LINES '$2 != "total" && $1 > max { print $2 ": " $1 " lines" }'
}

# From the brace in column 0 to its match. A switch may be a table.
long_functions()
{
	tree_files 'core/*.c' 'en/*.c' 'ib/*.c' 'firmware/*.c' | grep -v '^firmware/test/' | xargs -r awk -v max=$MAX_FUNCTION '
		FNR == 1 { start = 0 }
		/^{/ { start = FNR; head = prev; table = 0 }
		/^\tswitch/ { table = 1 }
		/^}/ && start {
			if (FNR - start > max && !table)
				print FILENAME ":" start ": " FNR - start " lines: " head
			start = 0
		}
		!/^{/ { prev = $0 }'
}

# Words are put together here so that the check does not find itself.
unfinished()
{
	local words='TO''DO|FIX''ME|XX''X|HA''CK'

	tree_files core en ib firmware include provider tools selftests Documentation debian .ci Makefile Kbuild README.md |
		xargs -r grep -nIE "\\b($words)\\b|not imple""mented|unimple""mented"
}

# Names of hosts that serve packages, of this machine's folders.
places()
{
	tree_files | xargs -r grep -nIE 'https?://[^ "]*/(debian|ubuntu)[^ "]*|deb\.debian''\.org|snapshot\.debian|/wo''rk/|/tmp/tu''lle|/ro''ot/\.cache'
}

spdx()
{
	local file

	tree_files | grep -E '\.(c|h|sh|py|mk|S)$|Makefile$|Kbuild$|Kconfig$|meson.build$|^tools/[a-z-]*$' |
		while read -r file; do
			[ ! -s "$file" ] || head -n 3 "$file" | grep -q 'SPDX-License-Identifier: ' || echo "$file"
		done
}

licence_of()
{
	local want=$1 file

	shift
	tree_files "$@" | grep -E '\.[ch]$' | while read -r file; do
		head -n 2 "$file" | grep -qF "SPDX-License-Identifier: $want" || echo "$file is not $want"
	done
}

licences()
{
	licence_of 'GPL-2.0' core en ib include/compat | grep -v trace.h
	licence_of 'GPL-2.0 OR BSD-3-Clause' 'include/*.h' firmware | grep -v -e '^include/compat/' -e '^firmware/qemu/' -e '^include/tulle_core.h' -e '^include/tulle_steering.h' -e '^firmware/test/' -e '^include/uapi/'
	licence_of '(GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause' include/uapi
	licence_of 'GPL-2.0-or-later' firmware/qemu
}

echo "TAP version 13"
tap_none "core includes its own headers and the interface" module_includes core tulle_hw.h tulle_core.h tulle_ring.h
tap_none "en includes its own headers and core's door" module_includes en tulle_hw.h tulle_core.h tulle_ring.h
[ ! -d ib ] || tap_none "ib includes its own headers and core's door" module_includes ib tulle_hw.h tulle_core.h tulle_ring.h tulle-abi.h
tap_none "our headers are included with quotes" ours_in_brackets
tap_none "the firmware knows its interface and a freestanding C" firmware_includes
tap_none "only firmware/qemu knows QEMU" qemu_headers
tap_none "the interface header includes types alone" interface_includes
tap_none "every export is in the namespace of core" bare_exports
tap_case "core exports little" few_exports
tap_none "no kernel version outside include/compat" versions
tap_none "no conditional in the modules' code" conditionals
tap_none "object lists name every source" object_lists
tap_none "no file over $MAX_LINES lines" long_files
tap_none "no function over $MAX_FUNCTION lines" long_functions
tap_none "nothing unfinished" unfinished
tap_none "no mirror and no machine named" places
tap_none "every source names its licence" spdx
tap_none "the licences are those of the design" licences
tap_end
