/* value_text.c - times and sizes: how units are spelled.
 * Not here: ranges and faults (value.c).
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "conf/value_text.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "conf/settings.h"

struct unit {
	const char *name;
	int64_t factor;
};

/* Smallest first. */
static const struct unit times[] = {
	{ "ms", 1 },          { "s", SECONDS_MS(1) }, { "m", MINUTES_MS(1) },
	{ "h", HOURS_MS(1) }, { "d", DAYS_MS(1) },    { NULL, 0 },
};
static const struct unit sizes[] = {
	{ "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }, { NULL, 0 },
};

static bool quantity_parse(const char *text, const struct unit *units, int64_t *out)
{
	const char *p = text;
	int64_t number = 0;

	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++) {
		const int digit = *p - '0';

		if (number > (INT64_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	for (const struct unit *u = units; u->name != NULL; u++) {
		if (strcmp(u->name, p) != 0)
			continue;
		if (number > INT64_MAX / u->factor)
			return false;
		*out = number * u->factor;
		return true;
	}
	return false;
}

static void quantity_format(struct buf *out, const struct unit *units, int64_t value)
{
	const struct unit *best = units;

	for (const struct unit *u = units; u->name != NULL && value != 0; u++) {
		if (value % u->factor == 0)
			best = u;
	}
	buf_int(out, value / best->factor);
	if (value != 0)
		buf_text(out, best->name);
}

bool setting_time_parse(const char *text, int64_t *out_ms)
{
	if (strcmp(text, "0") == 0) {
		*out_ms = 0;
		return true;
	}
	return quantity_parse(text, times, out_ms);
}

bool setting_size_parse(const char *text, int64_t *out_bytes)
{
	return quantity_parse(text, sizes, out_bytes);
}

void setting_time_format(struct buf *out, int64_t ms)
{
	quantity_format(out, times, ms);
}

void setting_size_format(struct buf *out, int64_t bytes)
{
	quantity_format(out, sizes, bytes);
}
