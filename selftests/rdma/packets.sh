#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# packets.py on the usual pair of ports.
. "$(dirname "$0")/../lib/rdma.sh"

rdma_ports
"$(dirname "$0")/packets.py" "$IB" "$GID4" "$FAR_IB" "$FAR_GID4" "$GID6" "$FAR_GID6"
