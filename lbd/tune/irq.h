/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interrupts of an interface's queues. */
#ifndef TUNE_IRQ_H
#define TUNE_IRQ_H

#include "tune/tune.h"

/*
 * Whether the interrupt called @name serves a queue ("eth0-TxRx-3", "virtio0-input.1",
 * "mlx5_comp2@pci:..."), and which. Pure.
 */
bool irq_parse_name(const char *name, uint32_t *ret_queue);

/* Fill reading->irqs; an interface without interrupts of its own has none. */
void irq_read(struct tune_reading *reading);

/* Returns 0 or a negative errno. */
int irq_set_cpu(uint32_t number, uint32_t cpu);

/* Whether a process called irqbalance runs. */
bool irq_balance_runs(void);

#endif
