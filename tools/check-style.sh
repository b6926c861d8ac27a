#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# How the sources are written: checkpatch --strict, kernel-doc, shellcheck,
# python syntax, documents.
#
#   check-style.sh            all of these
#   check-style.sh --sparse   the modules under sparse, on the kernels that the lab boots
#   check-style.sh FILE...    checkpatch and kernel-doc of these files, in full

cd "$(dirname "$0")/.." || exit 1
. tools/checks/tap.sh

LAB=${TULLE_LAB:-$HOME/.cache/tulle-lab}
SOURCE=$LAB/linux-source-7.3
WORK=$LAB/checks/sparse-$(pwd | cksum | cut -d' ' -f1)

# What checkpatch is not asked, for every file:
#   FILE_PATH_CHANGES    speaks of MAINTAINERS, which an out-of-tree project has none of
#   SPDX_LICENSE_TAG     wants licences of a list that only fits the kernel's own files
#   CONFIG_DESCRIPTION   the same for Kconfig
#   MACRO_ARG_REUSE      every such report so far was about a typeof or a field name
#   COMPLEX_MACRO, MULTISTATEMENT_MACRO_USE_DO_WHILE
#                        initialisers and file-scope definitions, which cannot be wrapped
#   CAMELCASE            members that others named (IEEE counters of ethtool)
#   CONSTANT_COMPARISON  takes ARRAY_SIZE(x) on the left of a comparison for a constant
#   LINE_SPACING         finds declarations where there are macros
#   OPEN_ENDED_LINE, PARENTHESIS_ALIGNMENT  in trace.h only: how trace headers look
#   MACRO_ARG_UNUSED     in include/compat only: arguments that one kernel needs and
#                        another does not
#   MACRO_ARG_PRECEDENCE not in the driver and the tests: types, and members,
#                        which take no parentheses
#   USE_NEGATIVE_ERRNO   in provider only: verbs return positive ones
KERNEL_IGNORE=FILE_PATH_CHANGES,SPDX_LICENSE_TAG,CONFIG_DESCRIPTION,MACRO_ARG_REUSE,COMPLEX_MACRO
KERNEL_IGNORE=$KERNEL_IGNORE,MULTISTATEMENT_MACRO_USE_DO_WHILE,CAMELCASE,LINE_SPACING,CONSTANT_COMPARISON
# and for C that is no kernel code:
#   PREFER_KERNEL_TYPES, AVOID_EXTERNS, CONST_STRUCT, USE_FUNC ...  name things only a kernel has
USER_IGNORE=$KERNEL_IGNORE,PREFER_KERNEL_TYPES,AVOID_EXTERNS,CONST_STRUCT,NEW_TYPEDEFS,AVOID_BUG
USER_IGNORE=$USER_IGNORE,PRINTF_L,ALLOC_SIZEOF_STRUCT,VOLATILE,MEMORY_BARRIER,SSCANF_TO_KSTRTO,STRCPY,STRNCPY
USER_IGNORE=$USER_IGNORE,BIT_MACRO,PREFER_DEFINED_ATTRIBUTE_MACRO,PREFER_FALLTHROUGH,STATIC_CONST_CHAR_ARRAY,STORAGE_CLASS

# The interface is user space API: its types have underscores, its lines tables.
HW_IGNORE=$KERNEL_IGNORE,LONG_LINE_COMMENT,LONG_LINE

checkpatch()
{
	local ignore=$1

	shift
	[ $# -gt 0 ] || return 0
	printf '%s\0' "$@" | xargs -0 -n 10 -P "$(nproc)" perl "$SOURCE/scripts/checkpatch.pl" --no-tree --strict \
		--no-summary --terse --show-types --max-line-length=100 --ignore "$ignore" -f
}

kernel_doc()
{
	[ $# -gt 0 ] || return 0
	python3 "$SOURCE/tools/docs/kernel-doc" -none -Wall -Werror "$@"
}

scripts()
{
	local file

	tree_files | while read -r file; do
		case $file in
		*.sh) echo "$file" ;;
		*.*) ;;
		*) head -n 1 "$file" | grep -qE '^#!.*\b(ba|da)?sh$' && echo "$file" ;;
		esac
	done
}

# SC1091: sourced files are checked on their own.
shell_check()
{
	scripts | xargs -r shellcheck -x -S warning -e SC1091
}

python_check()
{
	local file

	tree_files | while read -r file; do
		case $file in
		*.py) echo "$file" ;;
		*.*) ;;
		*) head -n 1 "$file" | grep -q '^#!.*python3$' && echo "$file" ;;
		esac
	done | xargs -r python3 tools/checks/python-check.py
}

# Roles and directives of Sphinx are unknown to docutils alone; the rest is not.
documents()
{
	local file

	tree_files '*.rst' | while read -r file; do
		rst2html --report=2 --no-file-insertion "$file" 2>&1 >/dev/null |
			grep -v -e 'Unknown interpreted text role' -e 'Unknown directive type' -e 'No role entry' \
				-e 'No directive entry' -e 'Trying "' |
			grep -E '\((WARNING|ERROR|SEVERE)/[0-9]\)'
	done
}

white_space()
{
	tree_files | grep -vE '^LICENSES/|\.(pcap|bin|png)$' | xargs grep -nIE '[[:space:]]+$'
}

# What sparse must say something about, at the end of every source: a file that it was
# not given, crashed on, or gave up (it holds back warnings after an error) would else
# look like one without mistakes.
SPARSE_CONTROL='static u32 __maybe_unused sparse_control(__le32 value) { return value; }'
# The assertion inside MODULE_LICENSE() and its like is beyond sparse without this.
SPARSE_FLAGS='-D__builtin_strlen(x)=(sizeof(x)-1)'

# Objects that are up to date would not be looked at again, so none is kept. How the
# build ends is of no interest: the controls tell whether sparse has seen everything.
sparse() # KERNEL
{
	local kernel file controls=$TAP_TMP/controls

	kernel=$(cat "$LAB/kernels/$1") || return 1
	mkdir -p "$WORK" || return 1
	rsync -rlpc --delete --delete-excluded --exclude='*.o' --exclude='.*.cmd' --exclude=generated \
		Makefile Kbuild Kconfig include core en ib tools/checks/sparse-cc "$WORK/" || return 1
	for file in {core,en,ib}/*.c; do
		echo "$SPARSE_CONTROL" >>"$WORK/$file"
		echo "$file:$(wc -l <"$WORK/$file")"
	done >"$controls"
	tools/lab root nice make -s -k -j "$(nproc)" -C "/lib/modules/$kernel/build" "M=$WORK" "CC=$WORK/sparse-cc" \
		"CF=$SPARSE_FLAGS" modules >"$TAP_TMP/sparse" 2>&1
	sed -n -E 's#^(.*/)?((core|en|ib|include)/[a-z0-9_/.-]+\.[ch]:[0-9]+:.*(warning|error): .*)#\2#p' "$TAP_TMP/sparse" |
		sparse_findings "$controls" && return
	tail -n 5 "$TAP_TMP/sparse"
	return 1
}

# A function that is named for it may end with locks that it took, or without those of
# its caller; which ones may depend, and the annotation for that would be a lie.
sparse_findings() # CONTROLS
{
	awk -F: '
		NR == FNR { control[$0]; next }
		($1 ":" $2) in control { seen[$1 ":" $2]; next }
		/context imbalance in .[a-z_]*_(un)?lock(_[a-z]*)?\47/ { next }
		{ print; bad = 1 }
		END {
			for (place in control)
				if (!(place in seen)) {
					print place ": sparse did not notice the mistake put there"
					bad = 1
				}
			exit bad
		}' "$1" -
}

echo "TAP version 13"
if [ "${1:-}" = --sparse ]; then
	for kernel in 7.3 6.12; do
		tap_case "sparse, $kernel" sparse $kernel
	done
	tap_end
fi
if [ $# -gt 0 ]; then
	TAP_LINES=400
	tap_case "checkpatch" checkpatch "$KERNEL_IGNORE" "$@"
	tap_case "kernel-doc" kernel_doc "$@"
	tap_end
fi

if [ -f "$SOURCE/scripts/checkpatch.pl" ]; then
	mapfile -t driver < <(tree_files 'core/*.[ch]' 'en/*.[ch]' 'ib/*.[ch]' 'include/tulle_core.h' 'include/tulle_ring.h' 'include/tulle_steering.h' \
		'tools/checks/compat_module/*.[ch]' | grep -v '/trace\.h$')
	mapfile -t trace < <(tree_files '*/trace.h')
	mapfile -t compat < <(tree_files 'include/compat/*.[ch]')
	mapfile -t firmware < <(tree_files 'firmware/*.[ch]' include/tulle_bits.h | grep -v '^firmware/\(qemu\|test\)/')
	mapfile -t provider < <(tree_files 'provider/*.[ch]')
	mapfile -t tests < <(tree_files 'firmware/qemu/*.[ch]' 'firmware/test/*.[ch]' 'tools/*.c' 'selftests/*.c')
	mapfile -t kdoc < <(tree_files 'include/*.h' 'core/*.[ch]' 'en/*.[ch]' 'ib/*.[ch]')
	tap_case "checkpatch, driver" checkpatch "$KERNEL_IGNORE" "${driver[@]}"
	tap_case "checkpatch, trace points" checkpatch "$KERNEL_IGNORE,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT" "${trace[@]}"
	tap_case "checkpatch, compat" checkpatch "$KERNEL_IGNORE,MACRO_ARG_UNUSED,MACRO_ARG_PRECEDENCE" "${compat[@]}"
	tap_case "checkpatch, interface" checkpatch "$HW_IGNORE" include/tulle_hw.h include/tulle_hw_*.h
	tap_case "checkpatch, firmware" checkpatch "$USER_IGNORE,MACRO_ARG_PRECEDENCE" "${firmware[@]}"
	tap_case "checkpatch, provider" checkpatch "$USER_IGNORE,MACRO_ARG_PRECEDENCE,USE_NEGATIVE_ERRNO" "${provider[@]}"
	tap_case "checkpatch, interface of the provider" checkpatch "$HW_IGNORE" include/uapi/rdma/tulle-abi.h
	tap_case "checkpatch, host and tests" checkpatch "$USER_IGNORE" "${tests[@]}"
	tap_case "kernel-doc" kernel_doc "${kdoc[@]}"
else
	tap_skip "checkpatch and kernel-doc" "no kernel source in the lab at $SOURCE"
fi
tap_case "shellcheck" shell_check
tap_case "python" python_check
tap_none "documents" documents
tap_none "no white space at line ends" white_space
tap_end
