/* trial_rules.h - what a trial is told, and how it speaks.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_DELIVERY_TRIAL_RULES_H
#define TOCSIN_DELIVERY_TRIAL_RULES_H

#include <stdbool.h>

enum trial_mark { TRIAL_OK, TRIAL_NOTE, TRIAL_WARNING, TRIAL_FAIL };

/* Where the trial is, for whoever outlives a crash of it: in shared memory. */
struct trial_place {
	char doing[256];  /* "prepare() for the event …" */
	unsigned limit_s; /* what that may take */
	unsigned marks[TRIAL_FAIL + 1];
	bool has_ended;
};

struct trial_rules {
	const char *file;            /* a whole path, or a name in the plugin folder */
	const char *const *settings; /* "key=value"; ends with NULL */
	const char *configs;         /* a JSON object; NULL: made up from the table */
	bool is_sending;             /* call deliver() too */
	void (*say)(enum trial_mark mark, const char *topic, const char *text);
	struct trial_place *place; /* zeroed by the caller */
};

enum { TRIAL_CALL_MAX_S = 10 };

#endif
