// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys in files: what is taken, what is refused and what remedy is named. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sync/curve.h"

#define SECRET \
	"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6" /* of RFC 32's neighbourhood: a fixed pair */
#define PUBLIC "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

static char directory[] = "/tmp/lbd-curve-XXXXXX", path[64];

static int in_a_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/key", directory);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static void put(const char *text, mode_t mode)
{
	FILE *file;

	unlink(path);
	file = fopen(path, "we");
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static void what_is_written_is_read_back(void **state)
{
	struct curve_pair made, read;
	struct error err = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(curve_generate(&made, &err), 0);
	assert_true(z85_is_key(made.public) && z85_is_key(made.secret));
	umask(0);
	assert_int_equal(curve_write(path, &made, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(curve_read(path, &read, &err), 0);
	assert_string_equal(read.public, made.public);
	assert_string_equal(read.secret, made.secret);
	unlink(path);
}

static void a_file_that_is_there_is_not_overwritten(void **state)
{
	struct curve_pair pair;
	struct error err = { 0 };

	(void)state;
	put(SECRET "\n", 0600);
	assert_int_equal(curve_generate(&pair, &err), 0);
	assert_int_equal(curve_write(path, &pair, &err), -EEXIST);
	assert_non_null(strstr(err.hint, "--public"));
	assert_int_equal(curve_read(path, &pair, &err), 0);
	assert_string_equal(pair.public, PUBLIC);
}

static void a_link_is_not_written_through(void **state)
{
	struct curve_pair pair;
	struct error err = { 0 };
	char target[80];

	(void)state;
	snprintf(target, sizeof(target), "%s/elsewhere", directory);
	unlink(path);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(curve_generate(&pair, &err), 0);
	assert_int_equal(curve_write(path, &pair, &err), -EEXIST);
	assert_int_equal(access(target, F_OK), -1);
}

static void loose_modes_are_refused_with_the_remedy(void **state)
{
	static const mode_t modes[] = { 0604, 0640, 0620, 0601, 0666 };
	struct curve_pair pair;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		put(SECRET "\n", modes[i]);
		assert_int_equal(curve_read(path, &pair, &err), -EPERM);
		assert_non_null(strstr(err.text, "expected 0600"));
		assert_non_null(strstr(err.hint, "chmod 0600"));
	}
	put(SECRET, 0400);
	assert_int_equal(curve_read(path, &pair, &err), 0);
}

static void what_another_user_owns_is_refused(void **state)
{
	struct curve_pair pair;
	struct error err;

	(void)state;
	put(SECRET "\n", 0600);
	if (chown(path, 12345, 12345)) {
		skip();
		return;
	}
	assert_int_equal(curve_read(path, &pair, &err), -EPERM);
	assert_non_null(strstr(err.text, "belongs to user 12345"));
	assert_non_null(strstr(err.hint, "chown"));
}

static void what_is_no_key_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"short\n",
		SECRET "x\n",
		SECRET "\nmore\n",
		"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh\"\n", /* not a digit */
		"#####%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6!\n",  /* more than fits in four bytes */
	};
	struct curve_pair pair;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		put(texts[i], 0600);
		if (curve_read(path, &pair, &err) != -EINVAL)
			fail_msg("taken: \"%s\"", texts[i]);
		assert_non_null(strstr(err.text, "40 characters"));
		assert_non_null(strstr(err.hint, "lbctl keygen"));
	}
}

static void what_is_no_file_is_refused_and_not_waited_for(void **state)
{
	struct curve_pair pair;
	struct error err;

	(void)state;
	unlink(path);
	assert_int_equal(curve_read(path, &pair, &err), -ENOENT);
	assert_non_null(strstr(err.hint, "lbctl keygen"));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(curve_read(path, &pair, &err), -EINVAL);
	assert_int_equal(curve_read(directory, &pair, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(a_file_that_is_there_is_not_overwritten),
		cmocka_unit_test(a_link_is_not_written_through),
		cmocka_unit_test(loose_modes_are_refused_with_the_remedy),
		cmocka_unit_test(what_another_user_owns_is_refused),
		cmocka_unit_test(what_is_no_key_is_refused),
		cmocka_unit_test(what_is_no_file_is_refused_and_not_waited_for),
	};

	return cmocka_run_group_tests_name("curve", tests, in_a_directory, leave);
}
