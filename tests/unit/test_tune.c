// SPDX-License-Identifier: GPL-2.0-or-later
/* What lbctl tune says of an interface, from made-up readings. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tune/irq.h"
#include "tune/tune.h"

/* A network card as it comes: nothing stands in the way, four CPUs, four of eight queues. */
static struct tune_reading a_card(void)
{
	struct tune_reading card = {
		.interface = "eth0",
		.driver = "ice",
		.cpus = 4,
		.page = 4096,
		.mtu = 1500,
		.queues_known = true,
		.rings_known = true,
		.steering_known = true,
		.queues.combined = { 4, 8 },
		.rings = { { 2048, 8160 }, { 2048, 8160 } },
		.rx_queues = 4,
		.tx_queues = 4,
	};

	for (int i = 0; i < TUNE_OFFLOAD_COUNT; i++)
		card.offloads[i].known = true;
	return card;
}

static void add_irq(struct tune_reading *reading, const char *cpus)
{
	struct tune_irq *irq = &reading->irqs[reading->irqs_count];

	irq->number = 30 + reading->irqs_count;
	irq->queue = reading->irqs_count++;
	snprintf(irq->cpus, sizeof(irq->cpus), "%s", cpus);
}

static void expect(const struct tune_reading *reading, enum tune_what what,
		   enum tune_verdict verdict, const char *wanted)
{
	struct tune_line line;

	tune_judge(reading, what, &line);
	assert_int_equal(line.what, what);
	assert_int_equal(line.verdict, verdict);
	assert_string_equal(line.wanted, wanted);
	assert_true(line.now[0]);
	assert_true(line.why[0]);
}

static void a_card_in_order_needs_nothing(void **state)
{
	struct tune_reading card = a_card();

	(void)state;
	for (int i = 0; i < 4; i++)
		add_irq(&card, (const char *[]){ "0", "1", "2", "3" }[i]);
	for (int what = 0; what < TUNE_WHAT_COUNT; what++)
		expect(&card, (enum tune_what)what, TUNE_OK, "");
}

static void what_a_driver_does_not_tell_is_no_fault(void **state)
{
	struct tune_reading bare = { .interface = "eth0", .cpus = 4, .page = 4096, .mtu = 1500 };

	(void)state;
	for (int what = 0; what < TUNE_WHAT_COUNT; what++)
		expect(&bare, (enum tune_what)what, TUNE_OK, "");
}

static void merged_frames_go(void **state)
{
	struct tune_reading card = a_card();

	(void)state;
	card.offloads[TUNE_OFFLOAD_LRO].on = true;
	card.offloads[TUNE_OFFLOAD_GRO_HW].on = true;
	expect(&card, TUNE_LRO, TUNE_CHANGE, "off");
	expect(&card, TUNE_GRO_HW, TUNE_CHANGE, "off");
}

static void what_a_driver_fixes_is_left_to_the_operator_unless_xdp_runs(void **state)
{
	struct tune_reading card = a_card();

	(void)state;
	card.offloads[TUNE_OFFLOAD_LRO] = (struct tune_state){ true, true, true };
	expect(&card, TUNE_LRO, TUNE_BY_HAND, "off");
	card.xdp = TUNE_XDP_NATIVE;
	expect(&card, TUNE_LRO, TUNE_OK, "");
}

static void tags_may_be_stripped_where_there_are_none(void **state)
{
	struct tune_reading card = a_card();

	(void)state;
	card.offloads[TUNE_OFFLOAD_RXVLAN].on = true;
	expect(&card, TUNE_RXVLAN, TUNE_OK, "");
	card.vlans = true;
	expect(&card, TUNE_RXVLAN, TUNE_CHANGE, "off");
}

static void only_a_veth_must_not_leave_checksums_and_segments_to_others(void **state)
{
	static const enum tune_what whats[] = { TUNE_TXCSUM, TUNE_TSO, TUNE_GSO };
	struct tune_reading card = a_card();

	(void)state;
	card.offloads[TUNE_OFFLOAD_TXCSUM].on = true;
	card.offloads[TUNE_OFFLOAD_TSO].on = true;
	card.offloads[TUNE_OFFLOAD_GSO].on = true;
	for (int i = 0; i < 3; i++)
		expect(&card, whats[i], TUNE_OK, "");
	snprintf(card.driver, sizeof(card.driver), "veth");
	for (int i = 0; i < 3; i++)
		expect(&card, whats[i], TUNE_CHANGE, "off");
}

static void a_frame_must_fit_in_a_page(void **state)
{
	struct tune_reading card = a_card();

	(void)state;
	card.mtu = 3498;
	expect(&card, TUNE_MTU, TUNE_OK, "");
	card.mtu = 9000;
	expect(&card, TUNE_MTU, TUNE_BY_HAND, "3498 or less");
	card.page = 65536;
	expect(&card, TUNE_MTU, TUNE_OK, "");
}

static void there_is_a_queue_for_each_cpu(void **state)
{
	struct tune_reading card = a_card();

	(void)state;
	card.queues.combined.now = 1;
	expect(&card, TUNE_QUEUES, TUNE_CHANGE, "combined 4");
	card.queues.combined.now = 8;
	expect(&card, TUNE_QUEUES, TUNE_CHANGE, "combined 4");
	card.queues.combined = (struct tune_count){ 2, 2 };
	expect(&card, TUNE_QUEUES, TUNE_OK, "");
	card.queues = (struct tune_queues){ .rx = { 1, 8 }, .tx = { 1, 2 } };
	expect(&card, TUNE_QUEUES, TUNE_CHANGE, "rx 4, tx 2");
}

static void rings_grow_to_a_sane_size_and_never_shrink(void **state)
{
	struct tune_reading card = a_card();

	(void)state;
	card.rings = (struct tune_rings){ { 256, 8160 }, { 4096, 8160 } };
	expect(&card, TUNE_RINGS, TUNE_CHANGE, "rx 2048, tx 4096");
	card.rings = (struct tune_rings){ { 256, 256 }, { 256, 256 } };
	expect(&card, TUNE_RINGS, TUNE_OK, "");
}

static void interrupts_are_spread_one_queue_per_cpu(void **state)
{
	static const char *const wanted = "each queue on a CPU of its own";
	struct tune_reading card = a_card();

	(void)state;
	add_irq(&card, "0-3");
	expect(&card, TUNE_IRQS, TUNE_CHANGE, wanted);
	card = a_card();
	for (int i = 0; i < 4; i++)
		add_irq(&card, "1");
	expect(&card, TUNE_IRQS, TUNE_CHANGE, wanted);
	assert_int_equal(tune_wanted_cpu(&card, &card.irqs[3]), 3);
}

static void another_even_spread_is_left_alone(void **state)
{
	struct tune_reading card = a_card();

	(void)state;
	add_irq(&card, "3");
	add_irq(&card, "1");
	add_irq(&card, "0");
	expect(&card, TUNE_IRQS, TUNE_OK, "");
}

static void what_apply_sets_is_ok_afterwards(void **state)
{
	struct tune_reading card = a_card();
	char cpu[16];

	(void)state;
	card.first_cpu = 3;
	for (int i = 0; i < 8; i++) {
		add_irq(&card, "0-3");
		card.irqs[i].queue = (uint32_t)i / 2;
	}
	for (int i = 0; i < 8; i++) {
		snprintf(cpu, sizeof(cpu), "%u", tune_wanted_cpu(&card, &card.irqs[i]));
		memcpy(card.irqs[i].cpus, cpu, sizeof(cpu));
	}
	expect(&card, TUNE_IRQS, TUNE_OK, "");
	card.queues = tune_wanted_queues(&card);
	card.rings = tune_wanted_rings(&card);
	expect(&card, TUNE_QUEUES, TUNE_OK, "");
	expect(&card, TUNE_RINGS, TUNE_OK, "");
}

static void irqbalance_matters_only_where_there_are_interrupts(void **state)
{
	struct tune_reading card = a_card();

	(void)state;
	card.irqbalance = true;
	expect(&card, TUNE_IRQBALANCE, TUNE_OK, "");
	add_irq(&card, "0");
	expect(&card, TUNE_IRQBALANCE, TUNE_BY_HAND, "systemctl disable --now irqbalance");
}

static void rps_goes_unless_it_spreads_generic_xdp(void **state)
{
	struct tune_reading card = a_card();

	(void)state;
	card.rps_queues = 1;
	expect(&card, TUNE_RPS, TUNE_CHANGE, "off");
	card.xdp = TUNE_XDP_GENERIC;
	expect(&card, TUNE_RPS, TUNE_CHANGE, "off");
	card.rx_queues = 1;
	expect(&card, TUNE_RPS, TUNE_OK, "");
}

static void interrupts_tell_their_queue(void **state)
{
	static const struct {
		const char *name;
		uint32_t queue;
	} names[] = {
		{ "eth0-TxRx-3", 3 },
		{ "ice-eth0-TxRx-12", 12 },
		{ "virtio0-input.1", 1 },
		{ "virtio0-output.0", 0 },
		{ "mlx5_comp7@pci:0000:03:00.1", 7 },
		{ "ens5-Tx-Rx-2", 2 },
	};
	static const char *const others[] = { "virtio0-config", "mlx5_async0@pci:0000:03:00.0",
					      "eth0", "ice-0000:17:00.0:misc", "" };
	uint32_t queue;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_true(irq_parse_name(names[i].name, &queue));
		assert_int_equal(queue, names[i].queue);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_false(irq_parse_name(others[i], &queue));
}

static void a_refused_line_is_not_settled(void **state)
{
	struct tune_line line = { .verdict = TUNE_OK };

	(void)state;
	assert_true(tune_line_settled(&line));
	line.result = TUNE_REFUSED;
	assert_false(tune_line_settled(&line));
	line = (struct tune_line){ .verdict = TUNE_BY_HAND };
	assert_false(tune_line_settled(&line));
}

static void an_interface_that_is_not_there_is_said_so(void **state)
{
	struct tune_line lines[TUNE_WHAT_COUNT];
	struct tune_reading reading;

	(void)state;
	assert_int_equal(tune_interface("no-such-if", false, &reading, lines), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_card_in_order_needs_nothing),
		cmocka_unit_test(what_a_driver_does_not_tell_is_no_fault),
		cmocka_unit_test(merged_frames_go),
		cmocka_unit_test(what_a_driver_fixes_is_left_to_the_operator_unless_xdp_runs),
		cmocka_unit_test(tags_may_be_stripped_where_there_are_none),
		cmocka_unit_test(only_a_veth_must_not_leave_checksums_and_segments_to_others),
		cmocka_unit_test(a_frame_must_fit_in_a_page),
		cmocka_unit_test(there_is_a_queue_for_each_cpu),
		cmocka_unit_test(rings_grow_to_a_sane_size_and_never_shrink),
		cmocka_unit_test(interrupts_are_spread_one_queue_per_cpu),
		cmocka_unit_test(another_even_spread_is_left_alone),
		cmocka_unit_test(what_apply_sets_is_ok_afterwards),
		cmocka_unit_test(irqbalance_matters_only_where_there_are_interrupts),
		cmocka_unit_test(rps_goes_unless_it_spreads_generic_xdp),
		cmocka_unit_test(interrupts_tell_their_queue),
		cmocka_unit_test(a_refused_line_is_not_settled),
		cmocka_unit_test(an_interface_that_is_not_there_is_said_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
