/* value_text.c - texts with a meaning: addresses, numbers, times, sizes.
 * Not here: URLs (base/url.c); ranges and faults (value.c).
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "conf/value_text.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "conf/settings.h"

enum {
	EMAIL_MAX_BYTES = 254,
	EMAIL_LOCAL_MAX_BYTES = 64,
	LABEL_MAX_BYTES = 63,
	PHONE_MIN_DIGITS = 2,
	PHONE_MAX_DIGITS = 15,
};

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

static bool is_ascii_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool local_part_check(const char *text, size_t bytes)
{
	if (bytes == 0 || bytes > EMAIL_LOCAL_MAX_BYTES || text[0] == '.' || text[bytes - 1] == '.')
		return false;
	for (size_t i = 0; i < bytes; i++) {
		const char c = text[i];

		if (c == '.' && text[i - 1] == '.')
			return false;
		if (c != '.' && !is_ascii_alnum(c) && strchr("!#$%&'*+/=?^_{}~-|`", c) == NULL)
			return false;
	}
	return true;
}

static bool domain_check(const char *text)
{
	size_t label = 0;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '.') {
			if (label == 0 || p[-1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!is_ascii_alnum(*p) && (*p != '-' || label == 0))
			return false;
		if (++label > LABEL_MAX_BYTES)
			return false;
	}
	return label > 0 && text[strlen(text) - 1] != '-';
}

bool email_check(const char *text)
{
	const char *at = strrchr(text, '@');

	return at != NULL && strlen(text) <= EMAIL_MAX_BYTES &&
	       local_part_check(text, (size_t)(at - text)) && domain_check(at + 1);
}

bool phone_normalise(char *text)
{
	size_t kept = 0;

	for (const char *p = text; *p != '\0'; p++) {
		if (strchr(" -.()", *p) == NULL)
			text[kept++] = *p;
	}
	text[kept] = '\0';
	if (text[0] != '+' || text[1] == '0')
		return false;

	const size_t digits = strspn(text + 1, "0123456789");

	return text[1 + digits] == '\0' && digits >= PHONE_MIN_DIGITS && digits <= PHONE_MAX_DIGITS;
}
