# SPDX-License-Identifier: GPL-2.0-or-later
# The packet path under other kernels, emulated: minutes for each, so not part of check.

VM_KERNELS ?= linux-image-cloud-amd64 linux-image-6.12-cloud-amd64

# Sanitizers under emulation take more time than the packet path's verifier.
VM_TESTS := $(BUILD)/tests/packet/packet_test $(BUILD)/tests/unit/test_verifier

$(BUILD)/tests/unit/test_verifier: $(BUILD)/obj/tests/unit/test_verifier.o $(BUILD)/liblbd.a
	@mkdir -p $(@D)
	$(call run,LD)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIB_LIBS) -lcmocka

vm-check:
	@packaging/deps build run test vm
	@$(MAKE) -s -j$(JOBS) $(VM_TESTS)
	@BUILD=$(BUILD) JOBS=$(JOBS) VM_KERNELS="$(VM_KERNELS)" tests/check build vm

.PHONY: vm-check
