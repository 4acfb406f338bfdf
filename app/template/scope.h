/* scope.h - what the names of a template stand for while it is rendered.
 * SPDX-License-Identifier: MIT
 * The stack of contexts: the caller's extra texts and the event at the bottom,
 * what sections pushed above. For render.c. Thread: one rendering each. */
#ifndef TOCSIN_TEMPLATE_SCOPE_H
#define TOCSIN_TEMPLATE_SCOPE_H

#include "base/json.h"
#include "template/program.h"
#include "template/template.h"

/* A JSON value; or, is_plain, a text as it is, which then is a JSON_STRING
 * without quotes and escapes. */
struct value {
	struct json_value json; /* type JSON_NONE: missing */
	bool is_plain;
};

enum {
	SCOPE_MEMBERS_MAX = 256, /* members listed at once, all objects together */
	SCOPE_OBJECTS_MAX = 32,
	SCOPE_KNOWN_MAX = 64, /* dotted names whose values are remembered */
};

/* An object that was looked into: its members are listed from first on. */
struct listed {
	const char *object; /* where it begins */
	uint32_t first, count;
	bool is_long;     /* too long to be listed: it is searched each time */
	bool has_escapes; /* in some member's name */
};

/* One context. */
struct frame {
	struct value value;
	struct json_value list;            /* the array that value is an element of; or JSON_NONE */
	size_t list_at;                    /* how far the array was read */
	uint32_t generation;               /* no two contexts of a rendering have the same */
	uint32_t place;                    /* its section's step */
	uint32_t object_mark, member_mark; /* how much was listed when it began */
};

struct known {
	uint32_t generation; /* of the context that its first part was found in */
	struct value value;
};

struct scope {
	const struct template *t;
	const struct template_input *in;
	size_t steps; /* left; 0: the rendering is given up */
	size_t depth; /* of frames */
	uint32_t generation;
	uint32_t object_count, member_count; /* listed now */
	struct frame frames[TEMPLATE_DEPTH_MAX + 1];
	struct listed objects[SCOPE_OBJECTS_MAX];
	struct json_member members[SCOPE_MEMBERS_MAX];
	struct known known[SCOPE_KNOWN_MAX];
};

/* t, in: borrowed for as long as the scope is used. */
void scope_init(struct scope *s, const struct template *t, const struct template_input *in);
/* Count work; a read of many bytes is more than one step. False: given up. */
bool scope_count(struct scope *s, size_t bytes);

/* The value of a name through all contexts. */
struct value scope_find(struct scope *s, uint32_t name);
/* The value of {name}. False: nobody knows the name, it stays as text. */
bool scope_find_brace(struct scope *s, uint32_t name, struct value *out);

/* Enter a section over value; false when it is falsy or an empty list. */
bool scope_push(struct scope *s, const struct value *value, uint32_t place);
/* At the end of the innermost section: go to the list's next element, or leave.
 * Returns whether the section is run again; *place is its step. */
bool scope_repeat(struct scope *s, uint32_t *place);
/* Would a section over value be run? */
bool scope_is_truthy(const struct value *value);

#endif
