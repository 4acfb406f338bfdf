/* test_template_json.c - templates inside JSON: nothing breaks the document, whole
 * tags keep their types, faults name the string.
 * SPDX-License-Identifier: MIT */
#include "rendering.h"

#define EVENT                                                                      \
	"{\"event_type\":\"a.b\",\"subject\":\"say \\\"hi\\\"\\n\",\"s\":\"<&>\"," \
	"\"n\":1.50,\"t\":true,\"z\":null,\"l\":[1, \"<\" ],"                      \
	"\"o\":{ \"<k>\" : \"<v>\", \"x\" : [ \"a\\\"\" ] }}"

static void test_strings(void **state)
{
	static const struct rendering cases[] = {
		{ "nothing to fill", " { \"a\" : [ 1.50 , true, null, \"x\", {} , [ ] ] } ", EVENT,
		  "{\"a\":[1.50,true,null,\"x\",{},[]]}" },
		{ "a text at the top", "\"hi {{s}}\"", EVENT, "\"hi <&>\"" },
		{ "other values at the top", "12", EVENT, "12" },
		{ "quotes and line ends", "{\"a\":\"x {{subject}}\"}", EVENT,
		  "{\"a\":\"x say \\\"hi\\\"\\n\"}" },
		{ "raw tags too", "{\"a\":\"x {{{subject}}}{{&subject}}\"}", EVENT,
		  "{\"a\":\"x say \\\"hi\\\"\\nsay \\\"hi\\\"\\n\"}" },
		{ "single braces", "[\"{event_type}!\",\"{x} {event_type}\"]", EVENT,
		  "[\"a.b!\",\"{x} a.b\"]" },
		{ "any depth", "[[[{\"a\":{\"b\":[\"{{n}}.\"]}}]]]", EVENT,
		  "[[[{\"a\":{\"b\":[\"1.50.\"]}}]]]" },
		{ "names are kept", "{\"{{s}}\":\"{{s}}.\",\"\\u0061\":1}", EVENT,
		  "{\"{{s}}\":\"<&>.\",\"\\u0061\":1}" },
		{ "sections", "[\"{{#l}}({{.}}){{/l}}\",\"{{^z}}none{{/z}}\"]", EVENT,
		  "[\"(1)(<)\",\"none\"]" },
		{ "lines of its own", "[\"a\\n{{#t}}\\nb\\n{{/t}}\\nc\"]", EVENT,
		  "[\"a\\nb\\nc\"]" },
		{ "escapes in the source", "[\"\\u0041\\/\\\"{{n}}\\u2028\\u0000\"]", EVENT,
		  "[\"A/\\\"1.50\\u2028\\u0000\"]" },
		{ "tags written with escapes", "[\"\\u007b{n}\\u007d.\"]", EVENT, "[\"1.50.\"]" },
		{ "an object in a text", "[\"o: {{o}}\"]", EVENT,
		  "[\"o: {\\\"<k>\\\":\\\"<v>\\\",\\\"x\\\":[\\\"a\\\\\\\"\\\"]}\"]" },
		{ "delimiters end with the string", "[\"{{=<% %>=}}<%n%>.\",\"<%n%>{{n}}\"]", EVENT,
		  "[\"1.50.\",\"<%n%>1.50\"]" },
	};

	(void)state;
	renderings_check(cases, COUNT_OF(cases), SOURCE_JSON, TOCSIN_ESCAPE_NONE);
}

static void test_whole_tags(void **state)
{
	static const struct rendering cases[] = {
		{ "number", "[\"{{n}}\",\"{{{n}}}\",\"{{&n}}\",\"{{ n }}\"]", EVENT,
		  "[1.50,1.50,1.50,1.50]" },
		{ "others", "[\"{{t}}\",\"{{z}}\",\"{{missing}}\",\"{{s}}\"]", EVENT,
		  "[true,null,null,\"<&>\"]" },
		{ "array", "{\"a\":\"{{l}}\"}", EVENT, "{\"a\":[1,\"<\"]}" },
		{ "object", "{\"a\":\"{{o}}\"}", EVENT,
		  "{\"a\":{\"<k>\":\"<v>\",\"x\":[\"a\\\"\"]}}" },
		{ "part of one", "\"{{o.x}}\"", EVENT, "[\"a\\\"\"]" },
		{ "escapes", "\"{{subject}}\"", EVENT, "\"say \\\"hi\\\"\\n\"" },
		{ "single braces", "[\"{event_type}\",\"{webhook_id}\",\"{other}\"]", EVENT,
		  "[\"a.b\",null,\"{other}\"]" },
		{ "single braces, object", "\"{data}\"", "{\"data\":{\"a\": 1}}", "{\"a\":1}" },
		{ "the event", "{\"all\":\"{{.}}\"}", "{\"a\" : 1}", "{\"all\":{\"a\":1}}" },
		{ "with a blank it is text", "[\" {{n}}\",\"{{n}} \",\"{{n}}{{n}}\"]", EVENT,
		  "[\" 1.50\",\"1.50 \",\"1.501.50\"]" },
		{ "a section is text", "[\"{{#t}}{{n}}{{/t}}\"]", EVENT, "[\"1.50\"]" },
		{ "a comment is text", "[\"{{! x }}\"]", EVENT, "[\"\"]" },
	};

	(void)state;
	renderings_check(cases, COUNT_OF(cases), SOURCE_JSON, TOCSIN_ESCAPE_NONE);
}

static void test_escaped_inside(void **state)
{
	static const struct rendering slack[] = {
		{ "text", "[\"<b> {{s}}\"]", EVENT, "[\"<b> &lt;&amp;&gt;\"]" },
		{ "raw", "[\"{{{s}}} {{&s}}\"]", EVENT, "[\"<&> <&>\"]" },
		{ "with escapes", "[\"x{{subject}}\"]", EVENT, "[\"xsay \\\"hi\\\"\\n\"]" },
		{ "whole", "[\"{{s}}\",\"{{{s}}}\"]", EVENT, "[\"&lt;&amp;&gt;\",\"<&>\"]" },
		{ "single brace", "[\"{subject}\"]", "{\"subject\":\"<!here>\"}",
		  "[\"&lt;!here&gt;\"]" },
		{ "inside an object, names kept", "[\"{{o}}\",\"{{{o}}}\"]", EVENT,
		  "[{\"<k>\":\"&lt;v&gt;\",\"x\":[\"a\\\"\"]},"
		  "{\"<k>\":\"<v>\",\"x\":[\"a\\\"\"]}]" },
		{ "inside a list", "\"{{l}}\"", EVENT, "[1,\"&lt;\"]" },
		{ "an object in a text", "[\".{{l}}\"]", EVENT, "[\".[1,\\\"&lt;\\\"]\"]" },
	};
	static const struct rendering json[] = {
		{ "twice", "[\"x{{subject}}\",\"{{{subject}}}\"]", EVENT,
		  "[\"xsay \\\\\\\"hi\\\\\\\"\\\\n\",\"say \\\\\\\"hi\\\\\\\"\\\\n\"]" },
	};
	static const struct rendering header[] = {
		{ "controls", "[\"x{{subject}}\",\"{{{subject}}}\"]", EVENT,
		  "[\"xsay \\\"hi\\\" \",\"say \\\"hi\\\" \"]" },
	};

	(void)state;
	renderings_check(slack, COUNT_OF(slack), SOURCE_JSON, TOCSIN_ESCAPE_SLACK);
	renderings_check(json, COUNT_OF(json), SOURCE_JSON, TOCSIN_ESCAPE_JSON);
	renderings_check(header, COUNT_OF(header), SOURCE_JSON, TOCSIN_ESCAPE_HEADER);
}

static void test_extra(void **state)
{
	static const struct tocsin_pair pairs[] = { { "to", "a\"b <c>" }, { "n", "12" } };
	static const struct rendering cases[] = {
		{ "texts", "[\"{{to}}\",\"{to}\",\"{{{to}}}\",\"x{to}\"]", "{}",
		  "[\"a\\\"b &lt;c&gt;\",\"a\\\"b &lt;c&gt;\",\"a\\\"b <c>\","
		  "\"xa\\\"b &lt;c&gt;\"]" },
		{ "always text", "[\"{{n}}\",\"{n}\"]", "{\"n\":1}", "[\"12\",\"12\"]" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		rendering_check(&cases[i], SOURCE_JSON,
				(struct template_input){ .escape = TOCSIN_ESCAPE_SLACK,
							 .extra = { pairs, COUNT_OF(pairs) } });
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		enum err rc;
		size_t line, column;
		const char *want;
	} cases[] = {
		{ "\"{{>p}}\"", ERR_BAD_REQUEST, 1, 1, "{{>p}}: partials are not supported" },
		{ "{\"text\":\"a\",\"blocks\":[{\"text\":{\"text\":\"a\\nb {{#x}}\"}}]}",
		  ERR_BAD_REQUEST, 2, 3, "blocks[0].text.text: section {{#x}} is not closed" },
		{ "[1,[2,3],[\"\",\"\\u00e9{{x\"]]", ERR_BAD_REQUEST, 1, 2,
		  "[2][1]: {{x: the tag is not closed" },
		{ "{\"a\":[{}],\"b\":\"{{/x}}\"}", ERR_BAD_REQUEST, 1, 1,
		  "b: {{/x}} closes no section" },
		{ "", ERR_BAD_REQUEST, 1, 1, "a JSON value is expected" },
		{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
		  ERR_TOO_BIG, 1, 1, "nested too deeply" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct span text = exact(cases[i].text);
		struct template *t = NULL;
		struct template_fault fault;

		assert_int_equal(template_compile_json(text, &t, &fault), cases[i].rc);
		assert_null(t);
		if (strstr(fault.text, cases[i].want) == NULL || fault.line != cases[i].line ||
		    fault.column != cases[i].column)
			fail_msg("%s: %zu:%zu: %s", cases[i].text, fault.line, fault.column,
				 fault.text);
		free((void *)(uintptr_t)text.ptr);
	}
}

/* A long path is cut, and never inside a character. */
static void test_long_path(void **state)
{
	struct template *t = NULL;
	struct template_fault fault;
	struct buf text;

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		buf_init(&text, TEMPLATE_MAX_BYTES);
		buf_format(&text, "{\"%.*s", (int)shift, "abc");
		for (int i = 0; i < 100; i++)
			buf_text(&text, "\xF0\x9F\x98\x80");
		buf_text(&text, "\":\"{{#\xC3\xA9}}{{#");
		for (int i = 0; i < 100; i++)
			buf_text(&text, "\xF0\x9F\x98\x80");
		buf_text(&text, "}}\"}");
		assert_int_equal(template_compile_json(buf_view(&text), &t, &fault),
				 ERR_BAD_REQUEST);
		assert_true(utf8_check(span_of(fault.text)));
		assert_non_null(strstr(fault.text, ": section {{#\xF0\x9F\x98\x80"));
		assert_non_null(strstr(fault.text, "is not closed"));
		assert_int_equal(fault.column, 7);
		buf_finish(&text);
	}
}

/* 32 arrays inside one another are fine, with the tag in the innermost. */
static void test_depth(void **state)
{
	static const struct rendering c = {
		"deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"{{n}}\"]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
		EVENT, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1.50]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
	};

	(void)state;
	renderings_check(&c, 1, SOURCE_JSON, TOCSIN_ESCAPE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),        cmocka_unit_test(test_whole_tags),
		cmocka_unit_test(test_escaped_inside), cmocka_unit_test(test_extra),
		cmocka_unit_test(test_refused),        cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests_name("template json", tests, NULL, NULL);
}
