# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# TAP for checks that run on the host. Source it.

TAP_N=0
TAP_BAD=0
TAP_TMP=$(mktemp -d)
trap 'rm -rf "$TAP_TMP"' EXIT

# tap_case NAME COMMAND...: passes when COMMAND succeeds; its output explains a failure.
tap_case()
{
	local name=$1 rc=0

	shift
	TAP_N=$((TAP_N + 1))
	"$@" >"$TAP_TMP/out" 2>&1 || rc=$?
	if [ $rc = 0 ]; then
		echo "ok $TAP_N $name"
		return
	fi
	TAP_BAD=$((TAP_BAD + 1))
	echo "not ok $TAP_N $name"
	tail -n "${TAP_LINES:-60}" "$TAP_TMP/out" | sed 's/^/#   /'
}

# tap_none NAME COMMAND...: passes when COMMAND prints nothing; what it prints are the findings.
tap_none()
{
	local name=$1

	shift
	# shellcheck disable=SC2317
	findings()
	{
		"$@" | tee "$TAP_TMP/found"
		[ ! -s "$TAP_TMP/found" ]
	}
	tap_case "$name" findings "$@"
}

tap_skip()
{
	TAP_N=$((TAP_N + 1))
	echo "ok $TAP_N $1 # SKIP $2"
}

tap_end()
{
	echo "1..$TAP_N"
	[ $TAP_BAD = 0 ]
	exit
}

# Files of this checkout that match a pattern, tracked or new, and still there.
tree_files()
{
	local file

	# The checkout may be another user's than root's, who runs the lab.
	git -c 'safe.directory=*' ls-files -co --exclude-standard -- "$@" | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}
