# SPDX-License-Identifier: GPL-2.0-or-later
# Figures: nanoseconds a packet, packets a second end to end, and flows to another node.

BENCH := $(BUILD)/tests/bench/bench
BENCH_SOURCES := $(wildcard tests/bench/*.c tests/lab/*.c)
BENCH_SOURCES := $(filter-out %.bpf.c,$(BENCH_SOURCES))
BENCH_BPF := $(patsubst %.bpf.c,$(BUILD)/%.bpf.o,$(wildcard tests/bench/*.bpf.c))

$(BENCH): $(BENCH_SOURCES:%.c=$(BUILD)/obj/%.o) $(BUILD)/liblbd.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIB_LIBS) -lm

bench-binaries: $(BENCH) $(BENCH_BPF) $(BPF_OBJECTS)

bench: deps
	@$(MAKE) -s bench-binaries
	@$(BENCH) --build $(BUILD) --json $(BUILD)/bench.json

# The packet part alone, with fewer samples: for whoever tunes the packet path.
bench-quick: deps
	@$(MAKE) -s bench-binaries
	@$(BENCH) --quick --build $(BUILD) --json $(BUILD)/bench-quick.json

# State sync alone.
bench-sync: deps
	@$(MAKE) -s bench-binaries
	@$(BENCH) --only sync. --build $(BUILD) --json $(BUILD)/bench-sync.json

.PHONY: bench bench-quick bench-sync bench-binaries
