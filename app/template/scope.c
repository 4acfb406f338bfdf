/* scope.c - finds names in the contexts of a rendering, and moves through lists.
 * Not here: printing what was found (render.c).
 * Values are read in place. An object's members are listed at the first look into
 * it and what dotted names gave is remembered, both for as long as the context
 * stays in which that happened.
 * One rendering, one thread.
 * SPDX-License-Identifier: MIT */
#include "template/scope.h"

/* Passing so many bytes, or so many members, costs as much as a step. */
enum { STEP_BYTES = 256, STEP_MEMBERS = 32 };

static const struct value missing = { { JSON_NONE, { NULL, 0 } }, false };

static void frame_set(struct scope *s, struct frame *frame, struct value value)
{
	frame->value = value;
	frame->generation = ++s->generation;
	frame->object_mark = s->object_count;
	frame->member_mark = s->member_count;
}

void scope_init(struct scope *s, const struct template *t, const struct template_input *in)
{
	const size_t names = program_name_count(t);
	struct span event = in->event;

	while (event.len > 0 && event.ptr[0] != '{') {
		event.ptr++;
		event.len--;
	}
	s->t = t;
	s->in = in;
	s->steps = TEMPLATE_STEPS_MAX;
	s->depth = 1;
	s->generation = 0;
	s->object_count = 0;
	s->member_count = 0;
	s->frames[0].list = missing.json;
	frame_set(s, &s->frames[0], missing);
	if (event.len > 0)
		s->frames[0].value.json = (struct json_value){ JSON_OBJECT, event };
	for (size_t i = 0; i < names && i < SCOPE_KNOWN_MAX; i++)
		s->known[i].generation = 0;
}

bool scope_count(struct scope *s, size_t bytes)
{
	const size_t steps = 1 + bytes / STEP_BYTES;

	if (steps >= s->steps) {
		s->steps = 0;
		return false;
	}
	s->steps -= steps;
	return true;
}

static inline bool key_equal(struct span key, struct span part)
{
	return key.len == part.len && key.ptr[0] == part.ptr[0] &&
	       memcmp(key.ptr, part.ptr, part.len) == 0;
}

static inline bool has_escape(struct span key)
{
	return key.len > 0 && memchr(key.ptr, '\\', key.len) != NULL;
}

/* part ends with a NUL and is not empty. */
static bool key_is(struct span key, struct span part)
{
	return key_equal(key, part) || (has_escape(key) && json_key_is(key, part.ptr));
}

static inline struct span part_text(const struct scope *s, uint32_t part)
{
	const struct part *p = program_part(s->t, part);

	return (struct span){ s->t->pool.ptr + p->at, p->len };
}

static struct json_value long_find(struct scope *s, const struct json_value *object,
				   struct span part)
{
	struct json_member member;
	size_t at = 0, from = 0;

	while (json_member_next(object, &at, &member)) {
		if (key_is(member.key, part))
			return member.value;
		if (at - from >= STEP_BYTES) {
			if (!scope_count(s, at - from))
				break;
			from = at;
		}
	}
	return missing.json;
}

/* NULL when no more objects can be listed. */
static const struct listed *object_list(struct scope *s, const struct json_value *object)
{
	struct json_member *next = &s->members[s->member_count];
	const struct json_member *end = s->members + SCOPE_MEMBERS_MAX;
	struct listed *listed = &s->objects[s->object_count];
	size_t at = 0;

	if (s->object_count == SCOPE_OBJECTS_MAX)
		return NULL;
	*listed = (struct listed){ .object = object->raw.ptr, .first = s->member_count };
	for (; next < end && json_member_next(object, &at, next); next++)
		listed->has_escapes |= has_escape(next->key);
	scope_count(s, at);
	s->object_count++;
	if (next == end) {
		listed->is_long = true;
		return listed;
	}
	listed->count = (uint32_t)(next - s->members) - listed->first;
	s->member_count += listed->count;
	return listed;
}

/* The latest are looked at first: they are what the innermost contexts need. */
static const struct listed *object_get(struct scope *s, const struct json_value *object)
{
	for (uint32_t i = s->object_count; i-- > 0;)
		if (s->objects[i].object == object->raw.ptr)
			return &s->objects[i];
	return object_list(s, object);
}

static struct json_value member_find(struct scope *s, const struct json_value *object,
				     struct span part)
{
	if (object->type != JSON_OBJECT)
		return missing.json;

	const struct listed *listed = object_get(s, object);

	if (listed == NULL || listed->is_long)
		return long_find(s, object, part);

	const struct json_member *member = &s->members[listed->first];

	for (uint32_t i = 0; i < listed->count; i++, member++)
		if (listed->has_escapes ? key_is(member->key, part) : key_equal(member->key, part))
			return member->value;
	if (listed->count >= STEP_MEMBERS)
		scope_count(s, listed->count / STEP_MEMBERS * STEP_BYTES);
	return missing.json;
}

static bool extra_find(const struct scope *s, struct span part, struct value *out)
{
	for (size_t i = 0; i < s->in->extra.count; i++) {
		const struct tocsin_pair *pair = &s->in->extra.items[i];

		if (pair->value != NULL && span_is(part, pair->name)) {
			*out = (struct value){ { JSON_STRING, span_of(pair->value) }, true };
			return true;
		}
	}
	return false;
}

/* The parts behind the first, each only inside what the last one gave. */
static struct value path_follow(struct scope *s, const struct name *name, struct value value)
{
	for (uint32_t i = 1; i < name->count && value.json.type != JSON_NONE; i++) {
		value.json = member_find(s, &value.json, part_text(s, name->first + i));
		value.is_plain = false;
	}
	return value;
}

struct value scope_find(struct scope *s, uint32_t which)
{
	const struct name *name = program_name(s->t, which);
	struct known *known = which < SCOPE_KNOWN_MAX && name->count > 1 ? &s->known[which] : NULL;

	if (name->count == 0)
		return s->frames[s->depth - 1].value;

	const struct span first = part_text(s, name->first);

	for (size_t i = s->depth; i-- > 0 && s->steps > 0;) {
		struct frame *frame = &s->frames[i];
		struct value value = missing;

		if (i > 0 || !extra_find(s, first, &value))
			value.json = member_find(s, &frame->value.json, first);
		if (value.json.type == JSON_NONE)
			continue;
		if (known == NULL)
			return path_follow(s, name, value);
		if (known->generation != frame->generation) {
			known->value = path_follow(s, name, value);
			known->generation = frame->generation;
		}
		return known->value;
	}
	return missing;
}

bool scope_find_brace(struct scope *s, uint32_t which, struct value *out)
{
	const struct name *name = program_name(s->t, which);
	const struct span text = part_text(s, name->first);

	*out = missing;
	if (extra_find(s, text, out))
		return true;
	if (name->is_event == 0)
		return false;
	out->json = member_find(s, &s->frames[0].value.json, text);
	return true;
}

bool scope_is_truthy(const struct value *value)
{
	struct json_value element;
	size_t at = 0;

	switch (value->json.type) {
	case JSON_NONE:
	case JSON_NULL: return false;
	case JSON_BOOL: return json_is_true(&value->json);
	case JSON_STRING: return value->json.raw.len > (value->is_plain ? 0u : 2u);
	case JSON_ARRAY: return json_element_next(&value->json, &at, &element);
	case JSON_NUMBER:
	case JSON_OBJECT: break;
	}
	return true;
}

/* Set the frame to its list's next element. */
static bool element_take(struct scope *s, struct frame *frame)
{
	struct value element = missing;
	const size_t from = frame->list_at;

	if (!json_element_next(&frame->list, &frame->list_at, &element.json))
		return false;
	frame_set(s, frame, element);
	return scope_count(s, frame->list_at - from);
}

bool scope_push(struct scope *s, const struct value *value, uint32_t place)
{
	struct frame *frame = &s->frames[s->depth];

	frame->list = missing.json;
	frame->list_at = 0;
	frame->place = place;
	if (value->json.type == JSON_ARRAY) {
		frame->list = value->json;
		if (!element_take(s, frame))
			return false;
	} else if (scope_is_truthy(value)) {
		frame_set(s, frame, *value);
	} else {
		return false;
	}
	s->depth++;
	return true;
}

bool scope_repeat(struct scope *s, uint32_t *place)
{
	struct frame *frame = &s->frames[s->depth - 1];

	*place = frame->place;
	s->object_count = frame->object_mark;
	s->member_count = frame->member_mark;
	if (frame->list.type == JSON_ARRAY && element_take(s, frame))
		return true;
	s->depth--;
	return false;
}
