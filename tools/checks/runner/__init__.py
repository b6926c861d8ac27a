# SPDX-License-Identifier: GPL-2.0
"""What tools/run-tests is made of."""
