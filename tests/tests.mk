# SPDX-License-Identifier: GPL-2.0-or-later
# Tests, demo, benchmarks and lints. Each sets up for itself: dependencies
# first, then a make of its own, so that nothing is compiled before they stand.

JOBS ?= $(shell nproc)
C_FILES = $(shell git ls-files -co --exclude-standard '*.c' '*.h')

include tests/packet/packet.mk

# Everything that tests run: as shipped, under sanitizers, and the tools.
test-binaries: all $(BUILD)/asan/lbd $(BUILD)/asan/lbctl $(UNIT_TESTS) $(PACKET_TEST) $(TOOLS) \
	$(TEST_BPF_OBJECTS)

check: deps
	@BUILD=$(BUILD) JOBS=$(JOBS) tests/check

demo: deps
	@$(MAKE) -s -j$(JOBS) all $(TOOLS) $(TEST_BPF_OBJECTS)
	@tests/cluster/demo

lint:
	@BUILD=$(BUILD) tests/lint

format:
	clang-format -i $(C_FILES)

.PHONY: test-binaries check demo lint format
