/* render.c - runs a compiled template over an event.
 * Not here: what names stand for (scope.c), how text is escaped (escape.c).
 * Any thread; the template is only read.
 * SPDX-License-Identifier: MIT */
#include "template/template.h"

#include "base/json.h"
#include "template/program.h"
#include "template/scope.h"

struct render {
	struct scope scope;
	enum tocsin_escape escape;
	bool is_json;
	struct buf *out;
	size_t out_max_bytes; /* what out may hold in the end */
	/* Scratch, empty until needed: a value's text, the same escaped. */
	struct buf text, escaped;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Behind the string that begins at at. */
static const char *string_end(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		at += *at == '\\' && end - at > 1;
	return at < end ? at + 1 : end;
}

/* Raw tags switch escaping off, but not where that could break the frame. */
static enum tocsin_escape escape_of(const struct render *r, const struct op *op)
{
	if (op->is_raw && r->escape != TOCSIN_ESCAPE_JSON && r->escape != TOCSIN_ESCAPE_HEADER)
		return TOCSIN_ESCAPE_NONE;
	return r->escape;
}

/* text where a value stands; in JSON templates that is inside a string. */
static void text_put(struct render *r, struct span text, enum tocsin_escape escape)
{
	if (!r->is_json) {
		template_escape(text, escape, r->out);
		return;
	}
	if (escape != TOCSIN_ESCAPE_NONE) {
		buf_clear(&r->escaped);
		template_escape(text, escape, &r->escaped);
		if (r->escaped.failed != ERR_OK)
			r->out->failed = r->escaped.failed;
		text = buf_view(&r->escaped);
	}
	json_put_characters(r->out, text);
}

static void string_put(struct render *r, const struct value *value, enum tocsin_escape escape)
{
	struct span text = value->json.raw;

	if (!value->is_plain) {
		text = (struct span){ text.ptr + 1, text.len - 2 };
		if (memchr(text.ptr, '\\', text.len) != NULL) {
			buf_clear(&r->text);
			json_string_decode(&value->json, &r->text);
			if (r->text.failed != ERR_OK)
				r->out->failed = r->text.failed;
			text = buf_view(&r->text);
		}
	}
	text_put(r, text, escape);
}

/* A string inside an array or object: a member's name, or escaped if need be. */
static const char *inner_put(struct render *r, const char *at, const char *end, struct buf *out,
			     enum tocsin_escape escape)
{
	const char *stop = string_end(at, end), *next = stop;
	const struct value value = { { JSON_STRING, { at, (size_t)(stop - at) } }, false };

	while (next < end && is_blank(*next))
		next++;
	if (escape == TOCSIN_ESCAPE_NONE || (next < end && *next == ':')) {
		buf_span(out, value.json.raw);
		return stop;
	}
	buf_byte(out, '"');
	string_put(r, &value, escape);
	buf_byte(out, '"');
	return stop;
}

/* An array or object without the blanks between its parts. With an escape (whole
 * tags only, where out is r->out) the strings in it are escaped too. */
static void compact_put(struct render *r, struct span raw, struct buf *out,
			enum tocsin_escape escape)
{
	const char *at = raw.ptr, *end = at + raw.len;

	while (at < end) {
		const char *from = at;

		while (at < end && *at != '"' && !is_blank(*at))
			at++;
		buf_bytes(out, from, (size_t)(at - from));
		if (at < end && *at == '"')
			at = inner_put(r, at, end, out, escape);
		while (at < end && is_blank(*at))
			at++;
	}
}

/* {{x}} inside a text. */
static void value_put(struct render *r, const struct value *value, enum tocsin_escape escape)
{
	switch (value->json.type) {
	case JSON_NONE:
	case JSON_NULL: return;
	case JSON_BOOL:
	case JSON_NUMBER: text_put(r, value->json.raw, escape); return;
	case JSON_STRING: string_put(r, value, escape); return;
	case JSON_ARRAY:
	case JSON_OBJECT: break;
	}
	buf_clear(&r->text);
	compact_put(r, value->json.raw, &r->text, TOCSIN_ESCAPE_NONE);
	if (r->text.failed != ERR_OK)
		r->out->failed = r->text.failed;
	text_put(r, buf_view(&r->text), escape);
}

/* "{{x}}" as all of a string: JSON, with the value's own type. */
static void whole_put(struct render *r, const struct value *value, enum tocsin_escape escape)
{
	switch (value->json.type) {
	case JSON_NONE:
	case JSON_NULL: buf_text(r->out, "null"); return;
	case JSON_BOOL:
	case JSON_NUMBER: buf_span(r->out, value->json.raw); return;
	case JSON_STRING:
		buf_byte(r->out, '"');
		string_put(r, value, escape);
		buf_byte(r->out, '"');
		return;
	case JSON_ARRAY:
	case JSON_OBJECT: compact_put(r, value->json.raw, r->out, escape); return;
	}
}

static void tag_put(struct render *r, const struct op *op, const struct value *value)
{
	scope_count(&r->scope, value->json.raw.len);
	if (op->is_whole)
		whole_put(r, value, escape_of(r, op));
	else
		value_put(r, value, escape_of(r, op));
}

static void brace_put(struct render *r, const struct op *op)
{
	struct value value;

	if (scope_find_brace(&r->scope, op->name, &value)) {
		tag_put(r, op, &value);
		return;
	}
	if (op->is_whole)
		buf_byte(r->out, '"');
	text_put(r, program_text(r->scope.t, op), TOCSIN_ESCAPE_NONE);
	if (op->is_whole)
		buf_byte(r->out, '"');
}

/* A template's own text is trusted, but a header is one line whoever wrote it. */
static void literal_put(struct render *r, const struct op *op)
{
	const struct span text = program_text(r->scope.t, op);

	if (r->escape == TOCSIN_ESCAPE_HEADER && !r->is_json)
		template_escape(text, TOCSIN_ESCAPE_HEADER, r->out);
	else
		buf_span(r->out, text);
}

/* Do the step at place; returns the next one's place. */
static uint32_t op_run(struct render *r, const struct op *op, uint32_t place)
{
	struct value value;
	uint32_t section;

	switch ((enum op_kind)op->kind) {
	case OP_TEXT: literal_put(r, op); break;
	case OP_VALUE:
		value = scope_find(&r->scope, op->name);
		tag_put(r, op, &value);
		break;
	case OP_BRACE: brace_put(r, op); break;
	case OP_SECTION:
		value = scope_find(&r->scope, op->name);
		if (!scope_push(&r->scope, &value, place))
			return op->jump;
		break;
	case OP_INVERTED:
		value = scope_find(&r->scope, op->name);
		if (scope_is_truthy(&value))
			return op->jump;
		break;
	case OP_END:
		if (scope_repeat(&r->scope, &section))
			return section + 1;
		break;
	}
	return place + 1;
}

static enum err ops_run(struct render *r, const struct template *t)
{
	const struct op *ops = program_ops(t);
	const uint32_t count = (uint32_t)program_op_count(t);
	uint32_t place = 0;

	while (place < count && scope_count(&r->scope, 0) && r->out->failed == ERR_OK &&
	       r->out->len <= r->out_max_bytes)
		place = op_run(r, &ops[place], place);
	if (r->scope.steps == 0 || r->out->len > r->out_max_bytes)
		return ERR_TOO_BIG;
	return r->out->failed;
}

enum err template_render(const struct template *t, const struct template_input *in, struct buf *out)
{
	const size_t max = in->output_max_bytes == 0 ? TEMPLATE_OUTPUT_MAX_BYTES
						     : in->output_max_bytes;
	const size_t out_max = out->max;
	struct render r; /* its scope is 16 KiB: not zeroed */

	if (out->failed != ERR_OK)
		return out->failed;
	scope_init(&r.scope, t, in);
	r.escape = in->escape;
	r.is_json = t->is_json;
	r.out = out;
	/* For a moment the buffer's own limit is the template's; it only stops growing
	 * there, so the length is looked at too. */
	if (max < out_max - out->len)
		out->max = out->len + max;
	r.out_max_bytes = out->max;
	buf_init(&r.text, out->max);
	buf_init(&r.escaped, out->max);

	const enum err rc = ops_run(&r, t);

	out->max = out_max;
	buf_finish(&r.text);
	buf_finish(&r.escaped);
	return rc;
}
