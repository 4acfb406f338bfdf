/* options.c - "--name value" options of the bench programs, from a table.
 * Not here: what an option means.
 * Main thread, before anything else.
 * SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void usage_print(const char *program, const struct option_row *rows, int rc)
{
	FILE *to = rc == 0 ? stdout : stderr;

	fprintf(to, "usage: %s [--option value]...\n", program);
	for (; rows->name != NULL; rows++) {
		fprintf(to, "  %-14s %s", rows->name, rows->help);
		if (rows->number != NULL)
			fprintf(to, " (default %" PRId64 ")", *rows->number);
		fputc('\n', to);
	}
	exit(rc);
}

static const struct option_row *row_find(const struct option_row *rows, const char *name)
{
	for (; rows->name != NULL; rows++)
		if (strcmp(rows->name, name) == 0)
			return rows;
	return NULL;
}

static void number_set(const struct option_row *row, const char *value)
{
	char *end = NULL;

	errno = 0;
	const long long number = strtoll(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || number < row->min || number > row->max) {
		fprintf(stderr, "%s: \"%s\" is not a number from %" PRId64 " to %" PRId64 "\n",
			row->name, value, row->min, row->max);
		exit(2);
	}
	*row->number = number;
}

static void list_add(const struct option_row *row, const char *value)
{
	for (unsigned i = 0; i + 1 < row->list_max; i++) {
		if (row->list[i] != NULL)
			continue;
		row->list[i] = value;
		row->list[i + 1] = NULL;
		return;
	}
	fprintf(stderr, "%s: given more than %u times\n", row->name, row->list_max - 1);
	exit(2);
}

int options_parse(int argc, char **argv, const struct option_row *rows)
{
	int i = 1;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
		if (strcmp(argv[i], "--help") == 0)
			usage_print(argv[0], rows, 0);
		if (argv[i][2] == '\0')
			return i + 1;
		const struct option_row *row = row_find(rows, argv[i]);
		if (row == NULL || i + 1 == argc) {
			fprintf(stderr, "%s: %s\n", argv[i],
				row == NULL ? "unknown" : "needs a value");
			usage_print(argv[0], rows, 2);
		}
		if (row->number != NULL)
			number_set(row, argv[i + 1]);
		else if (row->list != NULL)
			list_add(row, argv[i + 1]);
		else
			*row->text = argv[i + 1];
	}
	return i;
}
