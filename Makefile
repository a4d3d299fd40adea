# SPDX-License-Identifier: GPL-2.0-or-later
#
#   make            daemon, lbctl and BPF objects, into build/
#   make deps       install what building, running and testing needs
#   make check      lints, unit, packet and cluster tests; ends with 'N passed, N failed'
#   make demo       the main job on this machine, in network namespaces
#   make fuzz       the wire decoder and all behind it under libFuzzer, FUZZ_SECONDS long
#   make bench      figures, as a table and as build/bench.json
#   make lint       style and static checks alone
#   make format     lay the C sources out by .clang-format
#   make deb rpm    packages, into build/packages/
#   make install    DESTDIR and PREFIX are honoured
#   make clean      remove build/
#
# check, demo and bench install what is missing first (as root). Tests' rules
# are in tests/tests.mk, those of installation and packages in packaging/packaging.mk.

VERSION := 0.1.0
PREFIX ?= /usr
DESTDIR ?=
BUILD ?= build

CC ?= gcc
CLANG ?= clang
LLVM_STRIP ?= llvm-strip
PKG_CONFIG ?= pkg-config

LIBRARIES := libbpf libxdp libzmq msgpack libcyaml libevent libevent_pthreads jansson libmnl \
	libsystemd libcap libcurl libpcap yaml-0.1

WARNINGS := -Wall -Wextra -Werror -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes -Wundef \
	-Wpointer-arith -Wcast-qual -Wvla
HARDENING := -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fPIE
CPPFLAGS += -D_GNU_SOURCE -DLBD_VERSION='"$(VERSION)"' -DLBD_PREFIX='"$(PREFIX)"' \
	-Iinclude -Ilbd -I.
CFLAGS ?= -O2 -g
CFLAGS += -std=gnu11 $(WARNINGS)
LDFLAGS += -pie -Wl,-z,relro,-z,now
LIB_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(LIBRARIES) 2>/dev/null)
LIB_LIBS = $(shell $(PKG_CONFIG) --libs $(LIBRARIES) 2>/dev/null) -lm -pthread
SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -std=gnu11 -Wall -Wextra -Werror \
	-Wno-unused-function -Wno-pass-failed -DLBD_VERSION='"$(VERSION)"' -Iinclude -I. \
	-I/usr/include/$(shell $(CC) -print-multiarch 2>/dev/null)

LIB_SOURCES := $(filter-out lbd/lbctl/%, $(wildcard lbd/*/*.c)) $(wildcard sync/*.c)
DAEMON_SOURCES := $(wildcard lbd/*.c)
LBCTL_SOURCES := $(wildcard lbd/lbctl/*.c)
UNIT_SOURCES := $(wildcard tests/unit/test_*.c)
TOOL_SOURCES := $(wildcard tests/tools/*.c)
BPF_SOURCES := $(wildcard bpf/*.bpf.c)
TEST_BPF_SOURCES := $(wildcard tests/*/*.bpf.c)

BPF_OBJECTS := $(BPF_SOURCES:%.bpf.c=$(BUILD)/%.bpf.o)
TEST_BPF_OBJECTS := $(TEST_BPF_SOURCES:%.bpf.c=$(BUILD)/%.bpf.o)
UNIT_TESTS := $(UNIT_SOURCES:%.c=$(BUILD)/asan/%)
TOOLS := $(TOOL_SOURCES:%.c=$(BUILD)/%) $(BUILD)/tests/cluster/walltime.so

# V=1 shows whole commands, otherwise what is made.
V ?= 0
quiet_0 = @echo '  $(1)	$@';
run = $(quiet_$(V))

.DEFAULT_GOAL := all
.SECONDARY:
.DELETE_ON_ERROR:

all: $(BUILD)/lbd $(BUILD)/lbctl $(BPF_OBJECTS)

# --- user space, once as shipped and once under sanitizers

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call run,CC)$(CC) $(CPPFLAGS) $(LIB_CFLAGS) $(CFLAGS) $(HARDENING) -MMD -c -o $@ $<

$(BUILD)/asan/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call run,CC)$(CC) $(CPPFLAGS) $(LIB_CFLAGS) $(CFLAGS) $(SANITIZE) -MMD -c -o $@ $<

# The daemon knows by itself how this build lays out its maps, whatever object is installed.
OWN_TYPES := $(BUILD)/bpf/types/types.bpf.o
$(BUILD)/obj/lbd/dataplane/types.o $(BUILD)/asan/obj/lbd/dataplane/types.o: $(OWN_TYPES)
$(BUILD)/obj/lbd/dataplane/types.o $(BUILD)/asan/obj/lbd/dataplane/types.o: \
	CPPFLAGS += -DLBD_OWN_TYPES='"$(OWN_TYPES)"'

$(BUILD)/liblbd.a: $(LIB_SOURCES:%.c=$(BUILD)/obj/%.o)
	@rm -f $@
	$(call run,AR)$(AR) rcs $@ $^

$(BUILD)/asan/liblbd.a: $(LIB_SOURCES:%.c=$(BUILD)/asan/obj/%.o)
	@rm -f $@
	$(call run,AR)$(AR) rcs $@ $^

$(BUILD)/lbd: $(DAEMON_SOURCES:%.c=$(BUILD)/obj/%.o) $(BUILD)/liblbd.a
	$(call run,LD)$(CC) $(LDFLAGS) -o $@ $^ $(LIB_LIBS)

$(BUILD)/lbctl: $(LBCTL_SOURCES:%.c=$(BUILD)/obj/%.o) $(BUILD)/liblbd.a
	$(call run,LD)$(CC) $(LDFLAGS) -o $@ $^ $(LIB_LIBS)

$(BUILD)/asan/lbd: $(DAEMON_SOURCES:%.c=$(BUILD)/asan/obj/%.o) $(BUILD)/asan/liblbd.a
	$(call run,LD)$(CC) $(SANITIZE) -o $@ $^ $(LIB_LIBS)

$(BUILD)/asan/lbctl: $(LBCTL_SOURCES:%.c=$(BUILD)/asan/obj/%.o) $(BUILD)/asan/liblbd.a
	$(call run,LD)$(CC) $(SANITIZE) -o $@ $^ $(LIB_LIBS)

$(BUILD)/asan/tests/unit/%: $(BUILD)/asan/obj/tests/unit/%.o $(BUILD)/asan/liblbd.a
	@mkdir -p $(@D)
	$(call run,LD)$(CC) $(SANITIZE) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIB_LIBS) -lcmocka

# Tests on a daemon without a kernel: what the fake defines isn't taken from the library.
$(filter $(BUILD)/asan/tests/unit/test_api% $(BUILD)/asan/tests/unit/test_lbctl%,$(UNIT_TESTS)): \
	$(patsubst %,$(BUILD)/asan/obj/tests/unit/%.o,fake_lbd fake_calls fake_model api_client)
$(filter $(BUILD)/asan/tests/unit/test_lbctl%,$(UNIT_TESTS)): $(BUILD)/asan/lbctl

# The daemon itself, in the test's process.
$(filter $(BUILD)/asan/tests/unit/test_daemon_%,$(UNIT_TESTS)): \
	$(patsubst %.c,$(BUILD)/asan/obj/%.o,$(filter-out lbd/main.c,$(DAEMON_SOURCES)))

# tests/unit/NAME_fixture.c is part of every test_NAME_*.
FIXTURES := $(patsubst tests/unit/%_fixture.c,%,$(wildcard tests/unit/*_fixture.c))
$(foreach name,$(FIXTURES),$(eval $(filter $(BUILD)/asan/tests/unit/test_$(name)_%,$(UNIT_TESTS)): \
	$(BUILD)/asan/obj/tests/unit/$(name)_fixture.o))

# A tool may have a folder of its name for the rest of its sources.
TALK_OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/tools/talk/*.c))
$(BUILD)/tests/tools/talk: $(TALK_OBJECTS)

$(BUILD)/tests/tools/%: $(BUILD)/obj/tests/tools/%.o $(BUILD)/liblbd.a
	@mkdir -p $(@D)
	$(call run,LD)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIB_LIBS) -lm

# What tests preload into a daemon.
$(BUILD)/tests/cluster/%.so: tests/cluster/%.c
	@mkdir -p $(@D)
	$(call run,CC)$(CC) $(CPPFLAGS) $(CFLAGS) -shared -fPIC -o $@ $< -ldl

# --- BPF

$(BUILD)/%.bpf.o: %.bpf.c
	@mkdir -p $(@D)
	$(call run,BPF)$(CLANG) $(BPF_CFLAGS) -MMD -MF $(@:.o=.d) -c -o $@ $<
	@$(LLVM_STRIP) -g $@

include tests/tests.mk
include tests/bench/bench.mk
include packaging/packaging.mk

deps:
	@packaging/deps

clean:
	rm -rf $(BUILD)

help:
	@sed -n 's/^#   make/  make/p' Makefile

.PHONY: all deps clean help

# A header that went makes what included it be compiled again, instead of an error.
%.h: ;

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
