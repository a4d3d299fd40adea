# SPDX-License-Identifier: GPL-2.0-or-later
# An older lbd to stand beside this one: tests/cluster/mixed.bats.

older:
	+@tests/older/build $(BUILD)/older

.PHONY: older
