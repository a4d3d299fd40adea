# SPDX-License-Identifier: GPL-2.0-or-later
# Other releases, made from these sources by tests/variant/build.

# To stand beside this one and to be exchanged with it: tests/cluster/{mixed,layout}.bats.
older:
	+@tests/variant/build $(BUILD)/older 0.0.9 sync layout -- all

# Its maps lack something.
less:
	+@tests/variant/build $(BUILD)/less 0.0.8 less -- build/lbd build/lbctl build/bpf/lb.bpf.o build/bpf/root.bpf.o \
		build/bpf/split.bpf.o

.PHONY: older less
