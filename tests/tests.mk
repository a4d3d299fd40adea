# SPDX-License-Identifier: GPL-2.0-or-later
# Tests, demo, benchmarks and lints. Each sets up for itself: dependencies
# first, then a make of its own, so that nothing is compiled before they stand.

JOBS ?= $(shell nproc)
C_FILES = $(shell git ls-files -co --exclude-standard '*.c' '*.h')

include tests/packet/packet.mk
include tests/model/model.mk
include tests/vm/vm.mk
include tests/variant/variant.mk
include tests/fuzz/fuzz.mk

# It races against this program.
$(BUILD)/asan/tests/unit/test_conntable_race: | $(BUILD)/tests/unit/conntable.bpf.o

# It reads layouts out of this object.
$(BUILD)/asan/tests/unit/test_layout: | $(BUILD)/tests/unit/layout_pairs.bpf.o

# What lbctl makes of answers isn't in the library.
$(BUILD)/asan/tests/unit/test_metrics: $(addprefix $(BUILD)/asan/obj/lbd/lbctl/, \
	metrics.o metrics_table.o table.o)

# They read objects of other releases.
$(BUILD)/asan/tests/unit/test_compare $(BUILD)/asan/tests/unit/test_foreign: | older less

# Everything that tests run: as shipped, under sanitizers, and the tools.
test-binaries: all $(BUILD)/asan/lbd $(BUILD)/asan/lbctl $(UNIT_TESTS) $(PACKET_TEST) $(MODEL_TEST) $(TOOLS) \
	$(FUZZ_REPLAYS) $(TEST_BPF_OBJECTS) older less

check: deps
	@BUILD=$(BUILD) JOBS=$(JOBS) tests/check

demo: deps
	@$(MAKE) -s -j$(JOBS) all $(TOOLS) $(TEST_BPF_OBJECTS)
	@tests/cluster/demo

# The faults of make check's minute, and saturation, for ten.
SOAK_SECONDS ?= 600

soak: deps
	@$(MAKE) -s -j$(JOBS) test-binaries
	CHAOS_SECONDS=$(SOAK_SECONDS) CHAOS_SLOTS=8388608 tests/cluster/enter bats --timing tests/cluster/chaos.bats
	SATURATION_SECONDS=$(SOAK_SECONDS) tests/cluster/enter bats --timing tests/cluster/saturation.bats

# What make check does a few times, often.
TORTURE_KILLS ?= 200
TORTURE_PEER_KILLS ?= 60
TORTURE_SWAPS ?= 1000

torture: deps
	@$(MAKE) -s -j$(JOBS) test-binaries
	KILLS=$(TORTURE_KILLS) tests/cluster/enter bats --timing tests/cluster/kill.bats
	KILL_PEER=1 KILLS=$(TORTURE_PEER_KILLS) tests/cluster/enter bats --timing tests/cluster/kill.bats
	SWAPS=$(TORTURE_SWAPS) tests/cluster/enter bats --timing tests/cluster/swaps.bats

lint:
	@BUILD=$(BUILD) tests/lint

format:
	clang-format -i $(C_FILES)

.PHONY: test-binaries check demo soak torture lint format
