# SPDX-License-Identifier: GPL-2.0-or-later
# The reference model: random and mutated packets through test-run.

MODEL_TEST := $(BUILD)/tests/model/model_test
MODEL_TEST_SOURCES := $(wildcard tests/model/*.c tests/lab/*.c) $(filter-out %_test.c,$(wildcard tests/packet/*.c))

$(MODEL_TEST): $(MODEL_TEST_SOURCES:%.c=$(BUILD)/obj/%.o) $(BUILD)/liblbd.a
	@mkdir -p $(@D)
	$(call run,LD)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIB_LIBS)

# More packets than make check takes, of another seed each time.
MODEL_COUNT ?= 5000000
model-check: $(MODEL_TEST) $(BPF_OBJECTS)
	$(MODEL_TEST) --object $(BUILD)/bpf/lb.bpf.o --count $(MODEL_COUNT) --seed $$(date +%s)

.PHONY: model-check
