/* options.h - "--name value" options of the bench programs, from a table.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_BENCH_OPTIONS_H
#define TOCSIN_BENCH_OPTIONS_H

#include <stdint.h>

/* One option; exactly one of number, text and list is set. */
struct option_row {
	const char *name; /* "--port" */
	const char *help;
	int64_t *number; /* refused below min or above max */
	int64_t min, max;
	const char **text; /* borrowed from argv */
	const char **list; /* repeatable: list_max pointers, NULL after the last */
	unsigned list_max;
};

/* Read argv into the rows' variables; the table ends with name == NULL.
 * Returns the index of the first argument after the options. Prints what is
 * wrong (or, for --help, the table) and exits when it cannot go on. */
int options_parse(int argc, char **argv, const struct option_row *rows);

#endif
