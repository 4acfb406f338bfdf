/* pattern.c - the rules of event types and of the patterns that match them.
 * Not here: the catalogue of types (conf/), who subscribed to what (domain/).
 * Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "model/pattern.h"

static const char OPERATIONAL_PREFIX[] = "webhook.";
static const char OPERATIONAL_PATTERN[] = "webhook.*";

static bool is_part_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

/* How many non-empty parts joined by dots text has; 0 when it is not that. */
static size_t parts_count(struct span text)
{
	size_t parts = 0;
	bool in_part = false;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '.') {
			if (!in_part)
				return 0;
			in_part = false;
			continue;
		}
		if (!is_part_byte(text.ptr[i]))
			return 0;
		if (!in_part)
			parts++;
		in_part = true;
	}
	return in_part ? parts : 0;
}

/* "cluster." of "cluster.*"; absent when pattern is not a prefix pattern. */
static struct span prefix_of(struct span pattern)
{
	if (pattern.len < 3 || memcmp(pattern.ptr + pattern.len - 2, ".*", 2) != 0)
		return (struct span){ NULL, 0 };
	return (struct span){ pattern.ptr, pattern.len - 1 };
}

bool event_type_is_valid(struct span type)
{
	return type.len <= EVENT_TYPE_MAX_BYTES && parts_count(type) >= 2;
}

bool event_type_is_operational(struct span type)
{
	const size_t len = sizeof(OPERATIONAL_PREFIX) - 1;

	return type.len > len && memcmp(type.ptr, OPERATIONAL_PREFIX, len) == 0;
}

bool pattern_is_valid(struct span pattern)
{
	if (pattern.len > EVENT_TYPE_MAX_BYTES)
		return false;
	if (span_is(pattern, "*"))
		return true;
	struct span prefix = prefix_of(pattern);

	if (prefix.ptr == NULL)
		return event_type_is_valid(pattern);
	prefix.len--; /* its dot */
	return parts_count(prefix) >= 1;
}

bool pattern_matches(struct span pattern, struct span type)
{
	if (span_equal(pattern, type))
		return true;
	/* "*" asks for the business's events, not for ours about its webhooks. */
	if (event_type_is_operational(type))
		return span_is(pattern, OPERATIONAL_PATTERN);
	if (span_is(pattern, "*"))
		return true;
	const struct span prefix = prefix_of(pattern);

	return prefix.ptr != NULL && type.len > prefix.len &&
	       memcmp(type.ptr, prefix.ptr, prefix.len) == 0;
}
