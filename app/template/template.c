/* template.c - compiles templates, plain and inside JSON, and frees them.
 * Not here: taking tags apart (tags.c), rendering (render.c).
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "template/template.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "template/program.h"
#include "template/tags.h"

enum { PATH_SHOWN_BYTES = 72 };

/* An open section. */
struct opened {
	struct span name;
	const char *at;
	uint32_t place;
};

/* An array or object that is being copied, and how far that is. */
struct level {
	struct json_value value;
	size_t at, count;
	struct span key; /* of the member in hand; raw */
};

struct compiler {
	struct template *t;
	struct template_fault *fault;
	struct tags tags;
	struct opened opened[TEMPLATE_DEPTH_MAX];
	size_t opened_count;
	struct level levels[TEMPLATE_DEPTH_MAX]; /* JSON templates only */
	size_t level_count;
};

static void place_set(struct template_fault *fault, struct span text, const char *at)
{
	const char *line = text.ptr;

	fault->line = 1;
	for (const char *c = text.ptr; c < at; c++)
		if (*c == '\n') {
			fault->line++;
			line = c + 1;
		}
	fault->column = 1 + utf8_length((struct span){ line, (size_t)(at - line) });
}

/* Bytes of text that fit into max without cutting a character. */
static int fitting(struct span text, size_t max)
{
	size_t len = text.len < max ? text.len : max;

	while (len > 0 && len < text.len && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
		len--;
	return (int)len;
}

/* "blocks[0].text" of the value in hand. */
static void path_put(const struct compiler *c, struct buf *out)
{
	for (size_t i = 0; i < c->level_count; i++) {
		const struct level *level = &c->levels[i];

		if (level->value.type == JSON_ARRAY) {
			buf_format(out, "[%zu]", level->count - 1);
			continue;
		}
		if (i > 0)
			buf_byte(out, '.');
		buf_span(out, level->key);
	}
}

static enum err refuse(struct compiler *c, enum err rc, const char *at, const char *why)
{
	const struct span text = { c->tags.start, (size_t)(c->tags.end - c->tags.start) };
	struct buf path;

	place_set(c->fault, text, at);
	buf_init(&path, 2 * TEMPLATE_MAX_BYTES);
	path_put(c, &path);
	snprintf(c->fault->text, sizeof(c->fault->text), "%.*s%s%.*s",
		 fitting(buf_view(&path), PATH_SHOWN_BYTES), buf_view(&path).ptr,
		 path.len > 0 ? ": " : "",
		 fitting(span_of(why), sizeof(c->fault->text) - PATH_SHOWN_BYTES - 3), why);
	buf_finish(&path);
	return rc;
}

static enum err section_open(struct compiler *c, const struct tag *tag)
{
	const struct op op = { .kind = tag->kind == TAG_SECTION ? OP_SECTION : OP_INVERTED };

	if (c->opened_count == TEMPLATE_DEPTH_MAX)
		return refuse(c, ERR_TOO_BIG, tag->at, "sections are nested too deeply");
	c->opened[c->opened_count++] = (struct opened){ tag->name, tag->at,
							program_add(c->t, op, tag->name) };
	return ERR_OK;
}

static enum err section_close(struct compiler *c, const struct tag *tag)
{
	const struct opened *section;
	char why[160];

	if (c->opened_count == 0) {
		snprintf(why, sizeof(why), "{{/%.*s}} closes no section",
			 fitting(tag->name, TAG_SHOWN_BYTES), tag->name.ptr);
		return refuse(c, ERR_BAD_REQUEST, tag->at, why);
	}
	section = &c->opened[c->opened_count - 1];
	if (!span_equal(section->name, tag->name)) {
		snprintf(why, sizeof(why), "{{/%.*s}} where section {{#%.*s}} must be closed",
			 fitting(tag->name, TAG_SHOWN_BYTES / 2), tag->name.ptr,
			 fitting(section->name, TAG_SHOWN_BYTES / 2), section->name.ptr);
		return refuse(c, ERR_BAD_REQUEST, tag->at, why);
	}
	program_end(c->t, section->place);
	c->opened_count--;
	return ERR_OK;
}

static enum err tag_compile(struct compiler *c, const struct tag *tag)
{
	struct op op = { .kind = OP_VALUE };

	switch (tag->kind) {
	case TAG_BRACE: op.kind = OP_BRACE; break;
	case TAG_RAW: op.is_raw = 1; break;
	case TAG_VALUE: break;
	case TAG_SECTION:
	case TAG_INVERTED: return section_open(c, tag);
	case TAG_CLOSE: return section_close(c, tag);
	case TAG_NOTHING:
	case TAG_END: return ERR_OK;
	}
	program_add(c->t, op, tag->name);
	return ERR_OK;
}

static enum err text_compile(struct compiler *c, struct span text)
{
	struct tag tag;

	tags_init(&c->tags, text);
	c->opened_count = 0;
	do {
		enum err rc = tags_next(&c->tags, &tag);

		if (rc != ERR_OK)
			return refuse(c, rc, c->tags.fault_at, c->tags.fault);
		if (c->t->is_json)
			program_add_characters(c->t, tag.text);
		else
			program_add_text(c->t, tag.text);
		rc = tag_compile(c, &tag);
		if (rc != ERR_OK)
			return rc;
	} while (tag.kind != TAG_END);
	if (c->opened_count > 0) {
		const struct opened *section = &c->opened[c->opened_count - 1];
		char why[160];

		snprintf(why, sizeof(why), "section {{#%.*s}} is not closed",
			 fitting(section->name, TAG_SHOWN_BYTES), section->name.ptr);
		return refuse(c, ERR_BAD_REQUEST, section->at, why);
	}
	return ERR_OK;
}

static enum err string_compile(struct compiler *c, const struct json_value *string)
{
	struct buf text;
	struct tag tag;
	enum err rc = ERR_OK;

	buf_init(&text, TEMPLATE_MAX_BYTES);
	json_string_decode(string, &text);
	if (text.failed != ERR_OK) {
		rc = refuse(c, text.failed, c->tags.start, err_text(text.failed));
	} else if (tags_is_whole(buf_view(&text), &tag)) {
		const struct op op = { .kind = tag.kind == TAG_BRACE ? OP_BRACE : OP_VALUE,
				       .is_raw = tag.kind == TAG_RAW,
				       .is_whole = 1 };

		program_add(c->t, op, tag.name);
	} else {
		program_add_text(c->t, span_of("\""));
		rc = text_compile(c, buf_view(&text));
		program_add_text(c->t, span_of("\""));
	}
	/* What a later fault says must not look into this text. */
	tags_init(&c->tags, span_of(""));
	buf_finish(&text);
	return rc;
}

static enum err value_compile(struct compiler *c, const struct json_value *value)
{
	if (value->type == JSON_STRING)
		return string_compile(c, value);
	if (value->type != JSON_ARRAY && value->type != JSON_OBJECT) {
		program_add_text(c->t, value->raw);
		return ERR_OK;
	}
	if (c->level_count == TEMPLATE_DEPTH_MAX)
		return refuse(c, ERR_TOO_BIG, c->tags.start, "nested too deeply");
	c->levels[c->level_count++] = (struct level){ .value = *value };
	program_add_text(c->t, span_of(value->type == JSON_ARRAY ? "[" : "{"));
	return ERR_OK;
}

/* The innermost array's or object's next value, or its end. */
static enum err level_advance(struct compiler *c)
{
	struct level *level = &c->levels[c->level_count - 1];
	const bool is_array = level->value.type == JSON_ARRAY;
	struct json_member member = { .key = { NULL, 0 } };
	const bool found = is_array ? json_element_next(&level->value, &level->at, &member.value)
				    : json_member_next(&level->value, &level->at, &member);

	if (!found) {
		program_add_text(c->t, span_of(is_array ? "]" : "}"));
		c->level_count--;
		return ERR_OK;
	}
	if (level->count++ > 0)
		program_add_text(c->t, span_of(","));
	level->key = member.key;
	if (!is_array) {
		program_add_text(c->t, (struct span){ member.key.ptr - 1, member.key.len + 2 });
		program_add_text(c->t, span_of(":"));
	}
	return value_compile(c, &member.value);
}

static enum err json_compile(struct compiler *c, struct span json)
{
	while (json.len > 0 && memchr(" \t\r\n", json.ptr[0], 4) != NULL) {
		json.ptr++;
		json.len--;
	}
	while (json.len > 0 && memchr(" \t\r\n", json.ptr[json.len - 1], 4) != NULL)
		json.len--;
	if (json.len == 0)
		return refuse(c, ERR_BAD_REQUEST, c->tags.start, "a JSON value is expected");

	const struct json_value value = { json_kind_of(json.ptr[0]), json };
	enum err rc = value_compile(c, &value);

	while (rc == ERR_OK && c->level_count > 0)
		rc = level_advance(c);
	return rc;
}

static enum err source_compile(struct compiler *c, struct span source)
{
	tags_init(&c->tags, span_of(""));
	if (source.len > TEMPLATE_MAX_BYTES)
		return refuse(c, ERR_TOO_BIG, c->tags.start, "longer than 64 KiB");
	if (!utf8_check(source))
		return refuse(c, ERR_BAD_REQUEST, c->tags.start, "not well-formed UTF-8");

	const enum err rc = c->t->is_json ? json_compile(c, source) : text_compile(c, source);

	if (rc == ERR_OK && program_check(c->t) != ERR_OK)
		return refuse(c, program_check(c->t), c->tags.start, err_text(program_check(c->t)));
	return rc;
}

static enum err compile(struct span source, struct template **out, struct template_fault *fault,
			bool is_json)
{
	struct compiler c; /* the stacks are a few KiB: not zeroed */

	c.t = xmalloc(sizeof(*c.t));
	c.fault = fault;
	c.opened_count = 0;
	c.level_count = 0;
	program_init(c.t);
	c.t->is_json = is_json;

	const enum err rc = source_compile(&c, source);

	if (rc == ERR_OK)
		*out = c.t;
	else
		template_destroy(c.t);
	return rc;
}

enum err template_compile(struct span text, struct template **out, struct template_fault *fault)
{
	return compile(text, out, fault, false);
}

enum err template_compile_json(struct span json, struct template **out,
			       struct template_fault *fault)
{
	return compile(json, out, fault, true);
}

void template_destroy(struct template *t)
{
	program_finish(t);
	free(t);
}
