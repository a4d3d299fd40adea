# SPDX-License-Identifier: GPL-2.0-or-later
# Tests, demo, benchmarks and lints. Each sets up for itself: dependencies
# first, then a make of its own, so that nothing is compiled before they stand.

JOBS ?= $(shell nproc)
C_FILES = $(shell git ls-files -co --exclude-standard '*.c' '*.h')

include tests/packet/packet.mk
include tests/model/model.mk
include tests/vm/vm.mk

# It races against this program.
$(BUILD)/asan/tests/unit/test_conntable_race: | $(BUILD)/tests/unit/conntable.bpf.o

# Everything that tests run: as shipped, under sanitizers, and the tools.
test-binaries: all $(BUILD)/asan/lbd $(BUILD)/asan/lbctl $(UNIT_TESTS) $(PACKET_TEST) $(MODEL_TEST) $(TOOLS) \
	$(TEST_BPF_OBJECTS)

check: deps
	@BUILD=$(BUILD) JOBS=$(JOBS) tests/check

demo: deps
	@$(MAKE) -s -j$(JOBS) all $(TOOLS) $(TEST_BPF_OBJECTS)
	@tests/cluster/demo

# libFuzzer on what the network feeds: clean, or the input that isn't is left behind.
FUZZ_SECONDS ?= 60
FUZZ_SOURCES := tests/fuzz/wire_fuzz.c sync/wire.c sync/wire_rows.c sync/cursor.c sync/refusal.c

$(BUILD)/fuzz/wire_fuzz: $(FUZZ_SOURCES) $(BUILD)/liblbd.a
	@mkdir -p $(@D)
	$(call run,FUZZ)$(CLANG) $(CPPFLAGS) -g -O1 -fsanitize=fuzzer,address,undefined \
		-o $@ $(FUZZ_SOURCES) $(BUILD)/liblbd.a $(LIB_LIBS)

fuzz: deps
	@$(MAKE) -s $(BUILD)/fuzz/wire_fuzz
	@mkdir -p $(BUILD)/fuzz/corpus
	$(BUILD)/fuzz/wire_fuzz -rss_limit_mb=256 -max_total_time=$(FUZZ_SECONDS) \
		-artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/fuzz/corpus tests/fuzz/corpus

# The faults of make check's minute, for ten.
SOAK_SECONDS ?= 600

soak: deps
	@$(MAKE) -s -j$(JOBS) test-binaries
	CHAOS_SECONDS=$(SOAK_SECONDS) tests/cluster/enter bats --timing tests/cluster/chaos.bats

lint:
	@BUILD=$(BUILD) tests/lint

format:
	clang-format -i $(C_FILES)

.PHONY: test-binaries check demo fuzz soak lint format
