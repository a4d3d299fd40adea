// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The stages of a generation, in its bank of lbd_generations. They are entered
 * before the generation runs, and stay until the bank is taken again: a packet
 * that is still on its way through an old generation finds them there. A program
 * that stands here lives, and all its maps with it: one that came to nothing is
 * taken out at once, by whoever loaded it, or by the next lbd at its start.
 */
#include <errno.h>

#include "dataplane/internal.h"

static const struct {
	const char *program;
	uint32_t features;
} stages[LBD_STAGE_COUNT] = {
#define X(constant, program, features) [LBD_STAGE_##constant] = { program, features },
	LBD_STAGES(X)
#undef X
};

static void stages_empty_bank(const struct dataplane *dataplane, uint32_t bank)
{
	for (uint32_t stage = 0; stage < LBD_STAGES_MAX; stage++) {
		__u32 slot = lbd_stage_slot(bank, stage);

		bpf_map_delete_elem(dataplane->fd[MAP_lbd_generations], &slot);
	}
}

void stages_leave_bank(const struct dataplane *dataplane, uint32_t bank)
{
	if (!generation_uses_bank(dataplane, bank))
		stages_empty_bank(dataplane, bank);
}

void stages_leave_banks(const struct dataplane *dataplane)
{
	for (uint32_t bank = 0; bank < LBD_BANKS; bank++)
		stages_leave_bank(dataplane, bank);
}

uint32_t stages_take_bank(struct dataplane *dataplane)
{
	uint32_t bank = dataplane->next_bank;

	while (generation_uses_bank(dataplane, bank % LBD_BANKS))
		bank++;
	bank %= LBD_BANKS;
	dataplane->next_bank = (bank + 1) % LBD_BANKS;
	stages_empty_bank(dataplane, bank);
	return bank;
}

void stages_select(struct bpf_object *object, uint32_t features)
{
	for (int stage = 0; stage < LBD_STAGE_COUNT; stage++) {
		struct bpf_program *program =
			bpf_object__find_program_by_name(object, stages[stage].program);

		if (program)
			bpf_program__set_autoload(program, features & stages[stage].features);
	}
}

int stages_enter(const struct dataplane *dataplane, struct bpf_object *object, uint32_t bank,
		 struct error *err)
{
	for (int stage = 0; stage < LBD_STAGE_COUNT; stage++) {
		const struct bpf_program *program =
			bpf_object__find_program_by_name(object, stages[stage].program);
		int fd = program ? bpf_program__fd(program) : -1;
		__u32 slot = lbd_stage_slot(bank, stage);

		if (fd >= 0 &&
		    bpf_map_update_elem(dataplane->fd[MAP_lbd_generations], &slot, &fd, BPF_ANY))
			return error_errno(err, -errno, "enter stage %s into slot %u",
					   stages[stage].program, slot);
	}
	return 0;
}
