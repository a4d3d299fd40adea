# SPDX-License-Identifier: GPL-2.0-or-later
# The packet path under other kernels, emulated: minutes for each, so not part of check.

VM_KERNELS ?= linux-image-cloud-amd64 linux-image-6.12-cloud-amd64

vm-check:
	@packaging/deps build run test vm
	@BUILD=$(BUILD) JOBS=$(JOBS) VM_KERNELS="$(VM_KERNELS)" tests/check build vm

.PHONY: vm-check
