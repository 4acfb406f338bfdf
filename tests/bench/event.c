/* event.c - the event the bench sends: a fixed-size body with a stamp in it.
 * Not here: requests and connections (load.c, multi.c).
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "event.h"

#include <stdio.h>
#include <string.h>

#define STAMP_HEAD "{\"run\":"
#define STAMP_SEQ  ",\"seq\":"
#define STAMP_SENT ",\"sent_us\":"
#define BODY_HEAD  "{\"event_type\":\""
#define BODY_DATA  "\",\"data\":"
#define BODY_PAD   ",\"pad\":\""
#define BODY_TAIL  "\"}}"

enum { DIGITS = 16, STAMP_BYTES = sizeof(STAMP_HEAD STAMP_SEQ STAMP_SENT) - 1 + 3 * DIGITS };

static size_t stamp_offset(const char *type)
{
	return sizeof(BODY_HEAD BODY_DATA) - 1 + strlen(type);
}

bool event_body_format(char *out, size_t bytes, const char *type)
{
	char head[sizeof(BODY_HEAD BODY_DATA) + EVENT_TYPE_MAX];

	if (strlen(type) > EVENT_TYPE_MAX)
		return false;
	const size_t head_bytes = stamp_offset(type);
	const size_t fixed = head_bytes + STAMP_BYTES + sizeof(BODY_PAD BODY_TAIL) - 1;
	if (bytes < fixed)
		return false;
	snprintf(head, sizeof(head), "%s%s%s", BODY_HEAD, type, BODY_DATA);
	memset(out, 'x', bytes);
	memcpy(out, head, head_bytes);
	memcpy(out + head_bytes + STAMP_BYTES, BODY_PAD, sizeof(BODY_PAD) - 1);
	memcpy(out + bytes - (sizeof(BODY_TAIL) - 1), BODY_TAIL, sizeof(BODY_TAIL) - 1);
	event_body_stamp(out, type, &(struct event_stamp){ 0 });
	return true;
}

static char *number_put(char *to, const char *name, size_t name_bytes, int64_t value)
{
	memcpy(to, name, name_bytes);
	to += name_bytes;
	memset(to, ' ', DIGITS);
	int at = DIGITS;
	do {
		to[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0 && at > 0);
	return to + DIGITS;
}

void event_body_stamp(char *body, const char *type, const struct event_stamp *stamp)
{
	char *to = body + stamp_offset(type);

	to = number_put(to, STAMP_HEAD, sizeof(STAMP_HEAD) - 1, stamp->run);
	to = number_put(to, STAMP_SEQ, sizeof(STAMP_SEQ) - 1, stamp->seq);
	number_put(to, STAMP_SENT, sizeof(STAMP_SENT) - 1, stamp->sent_us);
}

static int64_t number_get(const char *ptr)
{
	int64_t value = 0;

	for (int i = 0; i < DIGITS; i++)
		if (ptr[i] >= '0' && ptr[i] <= '9')
			value = value * 10 + (ptr[i] - '0');
	return value;
}

bool event_stamp_find(const char *ptr, size_t len, struct event_stamp *out)
{
	const char *at = memmem(ptr, len, STAMP_HEAD, sizeof(STAMP_HEAD) - 1);

	if (at == NULL || (size_t)(ptr + len - at) < STAMP_BYTES)
		return false;
	const char *seq = at + sizeof(STAMP_HEAD) - 1 + DIGITS;
	const char *sent = seq + sizeof(STAMP_SEQ) - 1 + DIGITS;
	if (memcmp(seq, STAMP_SEQ, sizeof(STAMP_SEQ) - 1) != 0 ||
	    memcmp(sent, STAMP_SENT, sizeof(STAMP_SENT) - 1) != 0)
		return false;
	out->run = number_get(at + sizeof(STAMP_HEAD) - 1);
	out->seq = number_get(seq + sizeof(STAMP_SEQ) - 1);
	out->sent_us = number_get(sent + sizeof(STAMP_SENT) - 1);
	return true;
}
