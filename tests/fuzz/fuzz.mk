# SPDX-License-Identifier: GPL-2.0-or-later
# What the network feeds, under libFuzzer: clean, or the input that isn't is left in
# $(BUILD)/fuzz. What was learned is kept there too; 'make fuzz-corpus' takes the
# least of it that reaches as much into the tree. 'make check' replays that.

FUZZ_SECONDS ?= 300
FUZZ_TARGETS := wire talk
FUZZ_FLAGS := -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_RUN_FLAGS := -rss_limit_mb=2048 -max_len=70000 -timeout=10 -artifact_prefix=$(BUILD)/fuzz/

FUZZ_wire := tests/fuzz/wire_fuzz.c sync/wire.c sync/wire_rows.c sync/cursor.c sync/refusal.c
FUZZ_talk := tests/fuzz/talk_fuzz.c tests/fuzz/fakes.c \
	$(filter-out sync/sync.c $(wildcard sync/transport*.c),$(wildcard sync/*.c)) $(wildcard lbd/dataplane/tables*.c)

$(FUZZ_TARGETS:%=$(BUILD)/fuzz/%_fuzz): $(BUILD)/fuzz/%_fuzz: $(BUILD)/liblbd.a $(wildcard tests/fuzz/*)
	@mkdir -p $(@D)
	$(call run,FUZZ)$(CLANG) $(CPPFLAGS) $(FUZZ_FLAGS) -o $@ $(FUZZ_$*) $(BUILD)/liblbd.a $(LIB_LIBS)

$(FUZZ_TARGETS:%=$(BUILD)/asan/tests/fuzz/%_replay): $(BUILD)/asan/tests/fuzz/%_replay: \
		$(BUILD)/asan/obj/tests/fuzz/replay.o $(BUILD)/asan/liblbd.a
	@mkdir -p $(@D)
	$(call run,LD)$(CC) $(SANITIZE) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIB_LIBS)

FUZZ_REPLAYS := $(FUZZ_TARGETS:%=$(BUILD)/asan/tests/fuzz/%_replay)
$(BUILD)/asan/tests/fuzz/wire_replay: $(BUILD)/asan/obj/tests/fuzz/wire_fuzz.o
$(BUILD)/asan/tests/fuzz/talk_replay: $(BUILD)/asan/obj/tests/fuzz/talk_fuzz.o $(BUILD)/asan/obj/tests/fuzz/fakes.o

# Both at once: there are two cores at least, and each runs on one.
fuzz: deps
	@$(MAKE) -s -j2 $(FUZZ_TARGETS:%=$(BUILD)/fuzz/%_fuzz)
	@mkdir -p $(FUZZ_TARGETS:%=$(BUILD)/fuzz/corpus/%)
	@$(MAKE) -s -j2 $(FUZZ_TARGETS:%=fuzz-run-%)

$(FUZZ_TARGETS:%=fuzz-run-%): fuzz-run-%:
	$(BUILD)/fuzz/$*_fuzz $(FUZZ_RUN_FLAGS) -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
		$(BUILD)/fuzz/corpus/$* tests/fuzz/corpus/$*

# Seeds that were made by hand have names; what was found is called by its hash. Long ones
# stay out of the tree.
$(FUZZ_TARGETS:%=fuzz-corpus-%): fuzz-corpus-%:
	rm -rf $(BUILD)/fuzz/short/$* $(BUILD)/fuzz/merged/$*
	mkdir -p $(BUILD)/fuzz/short/$* $(BUILD)/fuzz/merged/$*
	find $(BUILD)/fuzz/corpus/$* -type f -size -3 -exec cp -t $(BUILD)/fuzz/short/$* {} +
	$(BUILD)/fuzz/$*_fuzz $(FUZZ_RUN_FLAGS) -set_cover_merge=1 $(BUILD)/fuzz/merged/$* \
		tests/fuzz/corpus/$* $(BUILD)/fuzz/short/$*
	cp -n $(BUILD)/fuzz/merged/$*/* tests/fuzz/corpus/$*

fuzz-corpus: $(FUZZ_TARGETS:%=fuzz-corpus-%)

.PHONY: fuzz fuzz-corpus $(FUZZ_TARGETS:%=fuzz-run-%) $(FUZZ_TARGETS:%=fuzz-corpus-%)
