/* test_conf_tables.c - the tables against the shipped conf/tocsin.conf and the manual.
 * SPDX-License-Identifier: MIT */
#include "conf/conf_tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/conf.h"

enum { PATH_BYTES = 400, SHIPPED_BYTES = 64 * 1024 };

static char *shipped_read(void)
{
	const char *source = getenv("TEST_SRCDIR");
	char path[PATH_BYTES];
	char *text = calloc(1, SHIPPED_BYTES);

	snprintf(path, sizeof(path), "%s/conf/tocsin.conf", source == NULL ? "." : source);

	FILE *f = fopen(path, "r");

	assert_non_null(text);
	assert_non_null(f);
	assert_in_range(fread(text, 1, SHIPPED_BYTES - 1, f), 1000, SHIPPED_BYTES - 2);
	fclose(f);
	return text;
}

/* Settings are commented out by a '#' with no blank behind it; the words for
 * people have one. Take that '#' away. */
static void settings_uncomment(char *text)
{
	for (char *p = text; *p != '\0'; p++) {
		const bool at_start = p == text || p[-1] == '\n' || p[-1] == '\t';

		if (*p == '#' && at_start && p[1] != ' ' && p[1] != '\n')
			*p = ' ';
	}
}

static void text_load(const char *text, struct conf *out)
{
	char path[] = "/tmp/test-conf-tables-XXXXXX";
	struct setting_faults faults = { 0 };
	const int fd = mkstemp(path);
	const size_t bytes = strlen(text);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, bytes), bytes);
	close(fd);

	const enum err rc = conf_load(path, NULL, out, &faults);

	unlink(path);
	if (rc != ERR_OK)
		fail_msg("unexpected fault: %s", faults.lines[0]);
	setting_faults_finish(&faults);
}

static void shipped_file_loads(void **state)
{
	char *text = shipped_read();
	struct conf conf;

	(void)state;
	text_load(text, &conf);
	assert_int_equal(conf.channel_count, 5);
	assert_string_equal(conf.channels[0].name, "webhook");
	assert_string_equal(conf.channels[1].name, "http");
	conf_finish(&conf);
	free(text);
}

static void value_expect_equal(const struct tocsin_field *row, const struct conf *a,
			       const struct conf *b)
{
	const void *x = (const char *)a + row->offset, *y = (const char *)b + row->offset;
	const struct tocsin_list *xs = x, *ys = y;

	if (row->kind == TOCSIN_BOOL) {
		assert_memory_equal(x, y, sizeof(uint8_t));
	} else if (row->kind == TOCSIN_LIST) {
		assert_int_equal(xs->count, ys->count);
		for (size_t i = 0; i < xs->count; i++)
			assert_string_equal(xs->items[i], ys->items[i]);
	} else if (row->kind == TOCSIN_TEXT || row->kind == TOCSIN_CHOICE) {
		assert_string_equal(*(const char *const *)x, *(const char *const *)y);
	} else {
		assert_memory_equal(x, y, sizeof(int64_t));
	}
}

/* Every key is in it, with the table's default. Where those are set by the
 * build the file shows the usual ones. */
static void shipped_file_shows_every_default(void **state)
{
	static const char *const by_build[] = { "plugin_folder", "socket", "path" };
	char *text = shipped_read();
	struct conf shipped, plain;

	(void)state;
	settings_uncomment(text);
	text_load(text, &shipped);
	text_load("", &plain);
	for (const struct conf_table *t = conf_tables; t->rows != NULL; t++) {
		const config_setting_t *group = config_root_setting(&shipped.file);

		if (t->name[0] != '\0')
			group = config_setting_get_member(group, t->name);
		assert_non_null(group);
		for (const struct tocsin_field *row = t->rows; row->key != NULL; row++) {
			bool differs = false;

			if (config_setting_get_member(group, row->key) == NULL)
				fail_msg("tocsin.conf lacks %s.%s", t->name, row->key);
			for (size_t i = 0; i < COUNT_OF(by_build); i++)
				differs = differs || strcmp(by_build[i], row->key) == 0;
			if (!differs)
				value_expect_equal(row, &shipped, &plain);
		}
	}
	conf_finish(&shipped);
	conf_finish(&plain);
	free(text);
}

static void printing_names_every_key(void **state)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	(void)state;
	assert_non_null(out);
	conf_print(out);
	fclose(out);
	assert_non_null(strstr(text, "delivery.in_flight  integer, 1 to 100000, default 1000\n"
				     "    Attempts under way at once.\n"));
	for (const struct conf_table *t = conf_tables; t->rows != NULL; t++) {
		for (const struct tocsin_field *row = t->rows; row->key != NULL; row++) {
			assert_non_null(strstr(text, row->key));
			assert_non_null(strstr(text, row->help));
		}
	}
	assert_non_null(strstr(text, "channels[].name  text, 1 to 64 characters, required\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_file_loads),
		cmocka_unit_test(shipped_file_shows_every_default),
		cmocka_unit_test(printing_names_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
