// SPDX-License-Identifier: GPL-2.0-or-later
/* Stands in for libFuzzer: each file of the folders named runs once. Speaks TAP. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay_file(const char *folder, const char *name)
{
	char path[4096];
	uint8_t *data = malloc(INPUT_MAX);
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (!data || !file) {
		perror(path);
		exit(1);
	}
	size = fread(data, 1, INPUT_MAX, file);
	fclose(file);
	/* Of its own size, so that a read beyond it is seen. */
	data = realloc(data, size ? size : 1);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

static unsigned int replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	unsigned int count = 0;
	struct dirent *file;

	if (!dir) {
		perror(folder);
		exit(1);
	}
	while ((file = readdir(dir))) {
		if (file->d_name[0] == '.')
			continue;
		replay_file(folder, file->d_name);
		count++;
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		unsigned int count = replay_folder(argv[i]);

		printf("%sok %d - the %u inputs of %s harm nothing\n", count ? "" : "not ", i,
		       count, argv[i]);
	}
	return 0;
}
