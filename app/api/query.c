/* query.c - the query string: decoding and checking against a table.
 * Not here: what the parameters mean (the resources).
 * API threads; pure.
 * SPDX-License-Identifier: MIT */
#include "api/query.h"

#include <inttypes.h>
#include <strings.h>

enum { QUERY_MAX_BYTES = 16 * 1024, INT_DIGITS_MAX = 15 };

static const struct loc query_loc = { NULL, "query", 0 };

void query_init(struct query *q, const struct pubid *ids)
{
	*q = (struct query){ .ids = ids };
	buf_init(&q->text, QUERY_MAX_BYTES);
}

void query_finish(struct query *q)
{
	if (q != NULL)
		buf_finish(&q->text);
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char lower = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
	const char *found = memchr(digits, lower, 16);

	return found == NULL ? -1 : (int)(found - digits);
}

/* Decoded into q->text, which was reserved at once, with a NUL behind it. A
 * broken escape stands for itself. */
static struct span part_decode(struct query *q, struct span raw)
{
	const size_t start = q->text.len;

	for (size_t i = 0; i < raw.len; i++) {
		char c = raw.ptr[i];

		if (c == '+') {
			c = ' ';
		} else if (c == '%' && i + 2 < raw.len && hex_digit(raw.ptr[i + 1]) >= 0 &&
			   hex_digit(raw.ptr[i + 2]) >= 0) {
			c = (char)(hex_digit(raw.ptr[i + 1]) << 4 | hex_digit(raw.ptr[i + 2]));
			i += 2;
		}
		buf_byte(&q->text, c);
	}
	const struct span part = { q->text.ptr + start, q->text.len - start };

	buf_byte(&q->text, '\0');
	return part;
}

static bool int_parse(struct span text, int64_t *out)
{
	const bool is_negative = text.len > 0 && text.ptr[0] == '-';
	const size_t first = is_negative ? 1 : 0;
	int64_t value = 0;

	if (text.len == first || text.len > first + INT_DIGITS_MAX)
		return false;
	for (size_t i = first; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		value = value * 10 + (text.ptr[i] - '0');
	}
	*out = is_negative ? -value : value;
	return true;
}

/* The spellings that clients of the contract's first server are used to. */
static bool bool_parse(struct span text, int64_t *out)
{
	static const struct {
		const char *text;
		int value;
	} spellings[] = {
		{ "true", 1 },  { "1", 1 }, { "yes", 1 }, { "on", 1 },  { "t", 1 }, { "y", 1 },
		{ "false", 0 }, { "0", 0 }, { "no", 0 },  { "off", 0 }, { "f", 0 }, { "n", 0 },
	};

	for (size_t i = 0; i < COUNT_OF(spellings); i++) {
		if (text.len == strlen(spellings[i].text) &&
		    strncasecmp(text.ptr, spellings[i].text, text.len) == 0) {
			*out = spellings[i].value;
			return true;
		}
	}
	return false;
}

static bool choice_parse(struct span text, const char *const *choices, int64_t *out)
{
	for (int64_t i = 0; choices[i] != NULL; i++) {
		if (span_is(text, choices[i])) {
			*out = i;
			return true;
		}
	}
	return false;
}

static void int_read(const struct query_row *row, struct query_value *value, struct faults *faults,
		     const struct loc *loc)
{
	if (!int_parse(value->text, &value->number))
		faults_add(faults, loc, "int_parsing",
			   "Input should be a valid integer, unable to parse string as an integer");
	else if (value->number < row->min)
		faults_add(faults, loc, "greater_than_equal",
			   "Input should be greater than or equal to %" PRId64, row->min);
	else if (value->number > row->max)
		faults_add(faults, loc, "less_than_equal",
			   "Input should be less than or equal to %" PRId64, row->max);
}

static void value_read(const struct pubid *ids, const struct query_row *row,
		       struct query_value *value, struct faults *faults)
{
	const struct loc loc = { &query_loc, row->name, 0 };

	switch (row->kind) {
	case QUERY_TEXT: break;
	case QUERY_INT: int_read(row, value, faults, &loc); break;
	case QUERY_BOOL:
		if (!bool_parse(value->text, &value->number))
			faults_add(faults, &loc, "bool_parsing",
				   "Input should be a valid boolean, unable to interpret input");
		break;
	case QUERY_CHOICE:
		if (!choice_parse(value->text, row->choices, &value->number))
			faults_add(faults, &loc, "enum",
				   "Input should be one of the documented "
				   "values");
		break;
	case QUERY_POSITION:
		if (!pubid_parse(ids, (enum pubid_kind)row->min, value->text, &value->number))
			faults_add(faults, &loc, "value_error",
				   "Input should be a next_cursor of this list");
		break;
	}
}

static void pair_read(struct query *q, struct span raw, const struct query_row *rows,
		      enum query_strictness strictness, struct faults *faults)
{
	const char *sign = memchr(raw.ptr, '=', raw.len);
	const size_t name_len = sign == NULL ? raw.len : (size_t)(sign - raw.ptr);
	const struct span name = part_decode(q, (struct span){ raw.ptr, name_len });
	const struct span rest = { sign == NULL ? raw.ptr : sign + 1,
				   sign == NULL ? 0 : raw.len - name_len - 1 };
	const struct loc loc = { &query_loc, name.ptr, 0 };
	size_t i = 0;

	while (rows != NULL && rows[i].name != NULL && !span_is(name, rows[i].name))
		i++;
	if (rows == NULL || rows[i].name == NULL) {
		if (strictness == QUERY_STRICT)
			faults_add(faults, &loc, "extra_forbidden",
				   "Extra inputs are not permitted");
		return;
	}
	if (q->values[i].is_given)
		faults_add(faults, &loc, "value_error", "Given more than once");
	q->values[i].is_given = true;
	q->values[i].text = part_decode(q, rest);
	value_read(q->ids, &rows[i], &q->values[i], faults);
}

void query_parse(struct query *q, struct span raw, const struct query_row *rows,
		 enum query_strictness strictness, struct faults *faults)
{
	memset(q->values, 0, sizeof(q->values));
	for (size_t i = 0; rows != NULL && rows[i].name != NULL; i++)
		q->values[i].number = rows[i].dflt;
	buf_clear(&q->text);
	if (raw.len == 0)
		return;
	/* A name and a value each get a NUL: never more than twice the bytes and two. */
	buf_reserve(&q->text, raw.len * 2 + 2);
	if (q->text.failed != ERR_OK || raw.len * 2 + 2 > QUERY_MAX_BYTES) {
		faults_add(faults, &query_loc, "too_long", "The query is too long");
		return;
	}
	while (raw.len > 0) {
		const char *mark = memchr(raw.ptr, '&', raw.len);
		const size_t len = mark == NULL ? raw.len : (size_t)(mark - raw.ptr);

		if (len > 0)
			pair_read(q, (struct span){ raw.ptr, len }, rows, strictness, faults);
		raw.ptr += len + (mark != NULL);
		raw.len -= len + (mark != NULL);
	}
}
