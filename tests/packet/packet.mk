# SPDX-License-Identifier: GPL-2.0-or-later
# The packet tests: a table of cases, run through test-run.

PACKET_TEST := $(BUILD)/asan/tests/packet/packet_test
PACKET_TEST_SOURCES := $(wildcard tests/packet/*.c tests/lab/*.c)

$(PACKET_TEST): $(PACKET_TEST_SOURCES:%.c=$(BUILD)/asan/obj/%.o) $(BUILD)/asan/liblbd.a
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIB_LIBS) -lcmocka

# As shipped, for guests whose processor is emulated.
$(BUILD)/tests/packet/packet_test: $(PACKET_TEST_SOURCES:%.c=$(BUILD)/obj/%.o) $(BUILD)/liblbd.a
	@mkdir -p $(@D)
	$(call run,LD)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIB_LIBS) -lcmocka

check-packets: $(PACKET_TEST) $(BPF_OBJECTS)
	$(PACKET_TEST) tests/packet $(BUILD)/bpf/lb.bpf.o

.PHONY: check-packets
