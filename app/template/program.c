/* program.c - how a compiled template is put together.
 * Not here: reading tags (tags.c), what belongs together (template.c), running
 * it (render.c).
 * The thread that compiles.
 * SPDX-License-Identifier: MIT */
#include "template/program.h"

#include "base/json.h"

/* Far above what the longest source gives. A search for a known name looks at
 * the first names only: beyond, a name is merely kept twice. */
enum { PROGRAM_MAX_BYTES = 8 * 1024 * 1024, NAMES_COMPARED = 64 };

void program_init(struct template *t)
{
	*t = (struct template){ .barrier = 0 };
	buf_init(&t->pool, PROGRAM_MAX_BYTES);
	buf_init(&t->ops, PROGRAM_MAX_BYTES);
	buf_init(&t->names, PROGRAM_MAX_BYTES);
	buf_init(&t->parts, PROGRAM_MAX_BYTES);
}

void program_finish(struct template *t)
{
	if (t == NULL)
		return;
	buf_finish(&t->pool);
	buf_finish(&t->ops);
	buf_finish(&t->names);
	buf_finish(&t->parts);
}

enum err program_check(const struct template *t)
{
	const struct buf *const all[] = { &t->pool, &t->ops, &t->names, &t->parts };

	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (all[i]->failed != ERR_OK)
			return all[i]->failed;
	return ERR_OK;
}

static void op_put(struct template *t, const struct op *op)
{
	buf_bytes(&t->ops, op, sizeof(*op));
}

/* What the pool got from place on becomes text. */
static void text_end(struct template *t, size_t place)
{
	const size_t count = program_op_count(t);
	const uint32_t len = (uint32_t)(t->pool.len - place);
	struct op *last = count > t->barrier ? program_ops(t) + count - 1 : NULL;

	if (len == 0)
		return;
	if (last != NULL && last->kind == OP_TEXT && last->text_at + last->text_len == place) {
		last->text_len += len;
		return;
	}
	op_put(t, &(struct op){ .kind = OP_TEXT, .text_at = (uint32_t)place, .text_len = len });
}

void program_add_text(struct template *t, struct span text)
{
	const size_t place = t->pool.len;

	buf_span(&t->pool, text);
	text_end(t, place);
}

void program_add_characters(struct template *t, struct span text)
{
	const size_t place = t->pool.len;

	json_put_characters(&t->pool, text);
	text_end(t, place);
}

/* The members of an event as it is sent. */
static bool is_event_name(struct span name)
{
	static const char *const known[] = { "event_id",   "event_type",   "occurred_at",
					     "webhook_id", "webhook_name", "namespace_id",
					     "subject",    "metadata",     "cache_scope",
					     "data" };

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (span_is(name, known[i]))
			return true;
	return false;
}

/* The text up to the next dot; *rest is what follows it, absent at the end. */
static struct span part_take(struct span *rest)
{
	const char *dot = memchr(rest->ptr, '.', rest->len);
	const struct span part = { rest->ptr, dot == NULL ? rest->len : (size_t)(dot - rest->ptr) };

	*rest = dot == NULL ? (struct span){ NULL, 0 }
			    : (struct span){ dot + 1, rest->len - part.len - 1 };
	return part;
}

static bool name_is(const struct template *t, const struct name *known, struct span name)
{
	if (span_is(name, "."))
		return known->count == 0;
	for (uint32_t i = 0; i < known->count; i++) {
		const struct part *part = program_part(t, known->first + i);

		if (name.ptr == NULL ||
		    !span_equal((struct span){ t->pool.ptr + part->at, part->len },
				part_take(&name)))
			return false;
	}
	return known->count > 0 && name.ptr == NULL;
}

static uint32_t name_add(struct template *t, struct span name)
{
	const size_t count = program_name_count(t);
	struct name made = { .first = (uint32_t)(t->parts.len / sizeof(struct part)),
			     .is_event = is_event_name(name) };

	for (size_t i = 0; i < count && i < NAMES_COMPARED; i++)
		if (name_is(t, program_name(t, (uint32_t)i), name))
			return (uint32_t)i;
	if (span_is(name, "."))
		name.ptr = NULL;
	while (name.ptr != NULL) {
		const struct span text = part_take(&name);
		const struct part part = { (uint32_t)t->pool.len, (uint32_t)text.len };

		buf_span(&t->pool, text);
		buf_byte(&t->pool, '\0');
		buf_bytes(&t->parts, &part, sizeof(part));
		made.count++;
	}
	buf_bytes(&t->names, &made, sizeof(made));
	return (uint32_t)count;
}

uint32_t program_add(struct template *t, struct op op, struct span name)
{
	const uint32_t place = (uint32_t)program_op_count(t);

	if (program_check(t) != ERR_OK)
		return place;
	if (op.kind == OP_BRACE) {
		/* Kept as text too: a name that nobody knows stays as it is. */
		op.text_at = (uint32_t)t->pool.len;
		op.text_len = (uint32_t)name.len + 2;
		buf_byte(&t->pool, '{');
		buf_span(&t->pool, name);
		buf_byte(&t->pool, '}');
	}
	op.name = name_add(t, name);
	op_put(t, &op);
	return place;
}

void program_end(struct template *t, uint32_t place)
{
	if (program_check(t) != ERR_OK || place >= program_op_count(t))
		return;
	if (program_ops(t)[place].kind == OP_SECTION)
		op_put(t, &(struct op){ .kind = OP_END, .jump = place });
	if (program_check(t) != ERR_OK)
		return;
	program_ops(t)[place].jump = (uint32_t)program_op_count(t);
	t->barrier = (uint32_t)program_op_count(t);
}
