#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# bad_input.py on the usual pair of ports.
. "$(dirname "$0")/../lib/env.sh"

env_pair
"$(dirname "$0")/bad_input.py"
