# SPDX-License-Identifier: GPL-2.0-or-later
# Other releases to stand before and after this one (tests/variant/build).

# Its maps have another layout.
variant:
	+@tests/variant/build $(BUILD)/variant/layout 0.0.9 layout -- all

# Of that one and of one whose maps lack something: what they would do to maps.
variant-objects:
	+@tests/variant/build $(BUILD)/variant/layout 0.0.9 layout -- build/bpf/lb.bpf.o
	+@tests/variant/build $(BUILD)/variant/less 0.0.8 less -- build/bpf/lb.bpf.o

.PHONY: variant variant-objects
