/* fuzz_template.c - templates and events from strangers, with every escape.
 * The input is a template, a NUL byte, and an event. What is compiled must
 * render the same twice, stay below its cap, and keep what each escape says;
 * a template inside JSON must give JSON whatever the event holds.
 * SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "template/template.h"

enum { DEPTH = 32, OUTPUT_MAX = 16 * 1024, TEXT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool has_control(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7F)
			return true;
	return false;
}

static void output_check(struct span text, bool is_json, enum tocsin_escape escape)
{
	struct json_value value;

	must(text.len <= OUTPUT_MAX);
	must(utf8_check(text));
	if (is_json)
		must(json_scan(text, 2 * DEPTH, &value, NULL) == ERR_OK);
	else if (escape == TOCSIN_ESCAPE_HEADER)
		must(!has_control(text));
}

static void render_check(const struct template *t, bool is_json, struct span event)
{
	static const struct tocsin_pair pairs[] = { { "x", "\"<&>\n'" }, { "y", NULL } };

	for (unsigned escape = TOCSIN_ESCAPE_NONE; escape <= TOCSIN_ESCAPE_URL; escape++) {
		const struct template_input in = { .event = event,
						   .extra = { pairs, escape % 3 },
						   .escape = (enum tocsin_escape)escape,
						   .output_max_bytes = OUTPUT_MAX };
		struct buf out, again;

		buf_init(&out, TEXT_MAX);
		buf_init(&again, TEXT_MAX);

		const enum err rc = template_render(t, &in, &out);

		must(rc == ERR_OK || rc == ERR_TOO_BIG);
		must(template_render(t, &in, &again) == rc);
		if (rc == ERR_OK) {
			must(span_equal(buf_view(&out), buf_view(&again)));
			output_check(buf_view(&out), is_json, in.escape);
		}
		buf_finish(&out);
		buf_finish(&again);
	}
}

static bool has_any(struct span text, const char *bytes)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] != '\0' && strchr(bytes, text.ptr[i]) != NULL)
			return true;
	return false;
}

/* Any bytes at all, through each escape. */
static void escape_check(struct span text)
{
	struct json_value value;
	struct buf out;

	buf_init(&out, 8 * TEXT_MAX);
	template_escape(text, TOCSIN_ESCAPE_HTML, &out);
	must(!has_any(buf_view(&out), "<>\"'"));
	buf_clear(&out);
	template_escape(text, TOCSIN_ESCAPE_SLACK, &out);
	must(!has_any(buf_view(&out), "<>"));
	buf_clear(&out);
	template_escape(text, TOCSIN_ESCAPE_HEADER, &out);
	must(!has_control(buf_view(&out)));
	buf_clear(&out);
	template_escape(text, TOCSIN_ESCAPE_URL, &out);
	must(!has_any(buf_view(&out), "&=+/?# \"<>\r\n") && !has_control(buf_view(&out)));
	buf_clear(&out);
	template_escape(text, TOCSIN_ESCAPE_MARKDOWN, &out);
	must(out.failed == ERR_OK);
	buf_clear(&out);
	buf_byte(&out, '"');
	template_escape(text, TOCSIN_ESCAPE_JSON, &out);
	buf_byte(&out, '"');
	must(json_scan(buf_view(&out), 0, &value, NULL) == ERR_OK && value.type == JSON_STRING);
	buf_finish(&out);
}

static void template_check(struct span source, bool is_json, struct span event)
{
	struct template *t = NULL;
	struct template_fault fault = { .line = 0 };
	const enum err rc = is_json ? template_compile_json(source, &t, &fault)
				    : template_compile(source, &t, &fault);

	if (rc == ERR_OK) {
		must(t != NULL);
		render_check(t, is_json, event);
	} else {
		must(t == NULL && fault.line > 0 && fault.column > 0);
		must(memchr(fault.text, '\0', sizeof(fault.text)) != NULL);
		must(fault.text[0] != '\0');
		must(utf8_check(span_of(fault.text)));
	}
	template_destroy(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *nul = size == 0 ? NULL : memchr(text, '\0', size);
	const struct span source = { text, nul == NULL ? size : (size_t)(nul - text) };
	struct span event = span_of("{\"event_type\":\"a.b\",\"x\":[1,{\"y\":\"<\"}]}");
	struct json_value value;

	if (size > TEXT_MAX / 8)
		return 0;
	escape_check((struct span){ text, size });
	if (nul != NULL)
		event = (struct span){ nul + 1, size - source.len - 1 };
	if (json_scan(event, DEPTH, &value, NULL) != ERR_OK || value.type != JSON_OBJECT)
		return 0;
	event = value.raw;
	template_check(source, false, event);
	if (json_scan(source, DEPTH, &value, NULL) == ERR_OK)
		template_check(source, true, event);
	return 0;
}
