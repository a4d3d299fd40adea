// SPDX-License-Identifier: GPL-2.0-or-later
#include "tune/irq.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tune/file.h"

static bool irq_names_a_queue(const char *name)
{
	/* As drivers call them; config, async, misc and mailbox interrupts have none of these. */
	static const char *const words[] = {
		"txrx", "rx", "tx", "input", "output", "comp", "queue"
	};
	char lower[128];
	size_t i;

	for (i = 0; name[i] && name[i] != '@' && i < sizeof(lower) - 1; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	lower[i] = 0;
	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strstr(lower, words[i]))
			return true;
	return false;
}

/* The last number before '@' or the end. */
bool irq_parse_name(const char *name, uint32_t *ret_queue)
{
	size_t end = strcspn(name, "@"), start = end;

	if (!irq_names_a_queue(name))
		return false;
	while (start && isdigit((unsigned char)name[start - 1]))
		start--;
	if (start == end)
		return false;
	*ret_queue = (uint32_t)strtoul(name + start, NULL, 10);
	return true;
}

static void irq_note(struct tune_reading *reading, uint32_t number)
{
	struct tune_irq *irq = &reading->irqs[reading->irqs_count];
	char path[64], name[128];

	snprintf(path, sizeof(path), "/sys/kernel/irq/%u/actions", number);
	if (reading->irqs_count == TUNE_IRQS_MAX || file_read(path, name, sizeof(name)) ||
	    !irq_parse_name(name, &irq->queue))
		return;
	irq->number = number;
	snprintf(path, sizeof(path), "/proc/irq/%u/smp_affinity_list", number);
	if (!file_read(path, irq->cpus, sizeof(irq->cpus)))
		reading->irqs_count++;
}

static int irq_read_folder(struct tune_reading *reading, const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	if (!folder)
		return -errno;
	while ((entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]))
			irq_note(reading, (uint32_t)strtoul(entry->d_name, NULL, 10));
	closedir(folder);
	return 0;
}

static int irq_compare(const void *a, const void *b)
{
	const struct tune_irq *first = a, *second = b;

	return (first->number > second->number) - (first->number < second->number);
}

/* A virtio device's interrupts are those of the PCI device above it. */
void irq_read(struct tune_reading *reading)
{
	static const char *const folders[] = { "device/msi_irqs", "device/../msi_irqs" };
	char path[96];

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/%s", reading->interface,
			 folders[i]);
		if (!irq_read_folder(reading, path))
			break;
	}
	qsort(reading->irqs, reading->irqs_count, sizeof(*reading->irqs), irq_compare);
}

int irq_set_cpu(uint32_t number, uint32_t cpu)
{
	char path[64], text[16];

	snprintf(path, sizeof(path), "/proc/irq/%u/smp_affinity_list", number);
	snprintf(text, sizeof(text), "%u", cpu);
	return file_write(path, text);
}

bool irq_balance_runs(void)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	bool runs = false;

	if (!folder)
		return false;
	while (!runs && (entry = readdir(folder))) {
		char path[288], name[32];

		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		runs = isdigit((unsigned char)entry->d_name[0]) &&
		       !file_read(path, name, sizeof(name)) && !strcmp(name, "irqbalance");
	}
	closedir(folder);
	return runs;
}
