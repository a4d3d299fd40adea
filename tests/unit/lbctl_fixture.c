// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl_fixture.h"

#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* lbctl of the same build as this test. */
static const char *lbctl_path(void)
{
	static char path[4200];
	char self[4096] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		fail();
	snprintf(path, sizeof(path), "%s/../../lbctl", dirname(self));
	return path;
}

static void read_back(FILE *file, char *text)
{
	rewind(file);
	text[fread(text, 1, OUTPUT_MAX - 1, file)] = '\0';
	fclose(file);
}

/* Start "lbctl LINE" (split at blanks). */
static pid_t start(const char *line, FILE *out, FILE *err)
{
	char copy[1024], *argv[32] = { "lbctl" }, *save = NULL;
	int argc = 1;
	pid_t pid;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	pid = fork();
	if (!pid) {
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		execv(lbctl_path(), argv);
		_exit(127);
	}
	return pid;
}

void run_until(struct result *result, const char *line, useconds_t interrupt_ms)
{
	FILE *out = tmpfile(), *err = tmpfile();
	pid_t pid = start(line, out, err);
	int status;

	if (interrupt_ms) {
		usleep(interrupt_ms * 1000);
		kill(pid, SIGINT);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	result->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	read_back(out, result->out);
	read_back(err, result->err);
}

void run(struct result *result, const char *line)
{
	run_until(result, line, 0);
}

void ask(struct result *result, const struct fake_state *fake, const char *line)
{
	char full[1024];

	snprintf(full, sizeof(full), "--socket %s %s", fake->socket, line);
	run(result, full);
}

void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}
