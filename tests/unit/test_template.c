/* test_template.c - values in templates: plain, raw, dotted, in single braces;
 * what is refused, and where; the caps.
 * SPDX-License-Identifier: MIT */
#include "rendering.h"

static void test_values(void **state)
{
	static const struct rendering cases[] = {
		{ "no tag", "Hello from {Mustache}!\n", "{}", "Hello from {Mustache}!\n" },
		{ "nothing", "", "{}", "" },
		{ "value", "Hello, {{who}}!", "{\"who\":\"world\"}", "Hello, world!" },
		{ "not read again", "{{a}}: {{b}}", "{\"a\":\"{{b}} {b}\",\"b\":\"x\"}",
		  "{{b}} {b}: x" },
		{ "escaped", "{{x}}", "{\"x\":\"& \\\" < > '\"}", "&amp; &quot; &lt; &gt; &#39;" },
		{ "triple", "{{{x}}}", "{\"x\":\"& \\\" < >\"}", "& \" < >" },
		{ "ampersand", "{{&x}}", "{\"x\":\"& \\\" < >\"}", "& \" < >" },
		{ "integer", "{{n}} mph", "{\"n\":85}", "85 mph" },
		{ "integer, triple", "{{{n}}} mph", "{\"n\":85}", "85 mph" },
		{ "integer, ampersand", "{{&n}} mph", "{\"n\":85}", "85 mph" },
		{ "decimal as spelled", "{{n}} {{{n}}} {{&n}}", "{\"n\":1.210}",
		  "1.210 1.210 1.210" },
		{ "large number", "{{n}}", "{\"n\":12345678901234567890123}",
		  "12345678901234567890123" },
		{ "exponent", "{{n}}", "{\"n\":-1E+400}", "-1E+400" },
		{ "zero", "{{n}}", "{\"n\":0}", "0" },
		{ "booleans", "{{t}} {{f}}", "{\"t\":true,\"f\":false}", "true false" },
		{ "null", "({{x}})", "{\"x\":null}", "()" },
		{ "null, triple", "({{{x}}})", "{\"x\":null}", "()" },
		{ "null, ampersand", "({{&x}})", "{\"x\":null}", "()" },
		{ "missing", "({{x}})", "{}", "()" },
		{ "missing, triple", "({{{x}}})", "{}", "()" },
		{ "missing, ampersand", "({{&x}})", "{}", "()" },
		{ "object", "{{{x}}}", "{\"x\": { \"a\" : [ 1, \"b c\", null ] } }",
		  "{\"a\":[1,\"b c\",null]}" },
		{ "object, escaped", "{{x}}", "{\"x\":{\"a\":\"<\"}}",
		  "{&quot;a&quot;:&quot;&lt;&quot;}" },
		{ "array", "{{{x}}}", "{\"x\":[ \"a \\\" b\" , [ ] ]}", "[\"a \\\" b\",[]]" },
		{ "escapes undone", "{{{x}}}", "{\"x\":\"a\\u0041\\n\\/\\ud83d\\ude00\"}",
		  "aA\n/\xF0\x9F\x98\x80" },
		{ "key with escapes", "{{ab}}{{a}}", "{\"\\u0061b\":1}", "1" },
		{ "key beyond ASCII",
		  "{{gr\xC3\xB6\xC3\x9F"
		  "e}}",
		  "{\"gr\\u00f6\\u00dfe\":2}", "2" },
		{ "empty text", "({{x}})", "{\"x\":\"\"}", "()" },
		{ "blanks around", "| {{x}} |", "{\"x\":\"-\"}", "| - |" },
		{ "blanks around, triple", "| {{{x}}} |", "{\"x\":\"-\"}", "| - |" },
		{ "blanks around, ampersand", "| {{&x}} |", "{\"x\":\"-\"}", "| - |" },
		{ "never standalone", "  {{x}}\n", "{\"x\":\"-\"}", "  -\n" },
		{ "never standalone, triple", "  {{{x}}}\n", "{\"x\":\"-\"}", "  -\n" },
		{ "never standalone, ampersand", "  {{&x}}\n", "{\"x\":\"-\"}", "  -\n" },
		{ "blanks inside", "|{{ x }}|", "{\"x\":\"-\"}", "|-|" },
		{ "blanks inside, triple", "|{{{ x }}}|", "{\"x\":\"-\"}", "|-|" },
		{ "blanks inside, ampersand", "|{{& x }}|", "{\"x\":\"-\"}", "|-|" },
		{ "blanks before the sign", "|{{ & x }}|{{ {x}}}|", "{\"x\":\"<\"}", "|<|<|" },
		{ "line end inside", "|{{\n x\r\n}}|", "{\"x\":\"-\"}", "|-|" },
		{ "a brace too many", "{{{x}}}} {{x}}}", "{\"x\":1}", "1} 1}" },
		{ "the event itself", "{{{.}}}", " { \"x\" : 1 } ", "{\"x\":1}" },
		{ "JSON text in a template", "{\"a\":{\"b\": {{x}} }}", "{\"x\":1}",
		  "{\"a\":{\"b\": 1 }}" },
	};

	(void)state;
	renderings_check(cases, COUNT_OF(cases), SOURCE_TEXT, TOCSIN_ESCAPE_HTML);
}

static void test_dotted_names(void **state)
{
	static const struct rendering cases[] = {
		{ "two parts", "{{p.n}} {{{p.n}}} {{&p.n}}", "{\"p\":{\"n\":\"<\"}}", "&lt; < <" },
		{ "many parts", "{{a.b.c.d.e}}", "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":\"P\"}}}}}",
		  "P" },
		{ "broken chain", "({{a.b.c}})", "{\"a\":{}}", "()" },
		{ "broken chain, no falling back", "({{a.b.c.n}})",
		  "{\"a\":{\"b\":{}},\"c\":{\"n\":\"J\"}}", "()" },
		{ "first part innermost", "{{#a}}{{b.c.n}}{{/a}}",
		  "{\"a\":{\"b\":{\"c\":{\"n\":\"P\"}}},\"b\":{\"c\":{\"n\":\"W\"}}}", "P" },
		{ "first part decides", "{{#a}}({{b.c}}){{/a}}",
		  "{\"a\":{\"b\":{}},\"b\":{\"c\":\"E\"}}", "()" },
		{ "null hides", "{{#a}}({{b.c}}{{n}}){{/a}}",
		  "{\"a\":{\"b\":null,\"n\":null},\"b\":{\"c\":\"E\"},\"n\":\"E\"}", "()" },
		{ "no key with a dot", "({{a.b}})", "{\"a.b\":\"c\"}", "()" },
		{ "nor beside an object", "({{a.b}})", "{\"a.b\":\"c\",\"a\":{\"b\":\"d\"}}",
		  "(d)" },
		{ "into a text", "({{a.b}})", "{\"a\":\"x\"}", "()" },
		{ "into a list", "({{a.0}})", "{\"a\":[1]}", "()" },
		{ "blanks around", "({{ a.b }})", "{\"a\":{\"b\":1}}", "(1)" },
		{ "twice, from two places", "{{a.b}}{{#o}}{{a.b}}{{/o}}{{a.b}}",
		  "{\"a\":{\"b\":1},\"o\":{\"a\":{\"b\":2}}}", "121" },
		{ "for each element anew", "{{#l}}{{a.b}}{{/l}}",
		  "{\"l\":[{\"a\":{\"b\":1}},{\"a\":{}},{},{\"a\":{\"b\":3}}],\"a\":{\"b\":0}}",
		  "103" },
		{ "a part with an escape", "{{a.bc}}", "{\"a\":{\"\\u0062c\":1}}", "1" },
	};

	(void)state;
	renderings_check(cases, COUNT_OF(cases), SOURCE_TEXT, TOCSIN_ESCAPE_HTML);
}

static const struct tocsin_pair pairs[] = { { "unsubscribe", "https://x/?a&b" },
					    { "subject", "ours" },
					    { "none", NULL },
					    { "empty", "" },
					    { "quote", "a\"b" } };

static const struct tocsin_pairs extra = { pairs, COUNT_OF(pairs) };

static void test_extra(void **state)
{
	static const struct rendering cases[] = {
		{ "a text", "{{unsubscribe}}|{{{unsubscribe}}}|{unsubscribe}", "{}",
		  "https://x/?a&amp;b|https://x/?a&b|https://x/?a&amp;b" },
		{ "before the event's", "{{subject}} {subject}", "{\"subject\":\"theirs\"}",
		  "ours ours" },
		{ "behind a section's", "{{#data}}{{subject}} {subject}{{/data}}",
		  "{\"data\":{\"subject\":\"theirs\"}}", "theirs ours" },
		{ "not given", "({{none}}{none})", "{\"none\":\"theirs\"}", "(theirs{none})" },
		{ "no members", "({{subject.x}})", "{\"subject\":{\"x\":1}}", "()" },
		{ "truth",
		  "{{#empty}}a{{/empty}}{{^empty}}b{{/empty}}{{#subject}}{{.}}{{/subject}}", "{}",
		  "bours" },
		{ "with a quote", "{{{quote}}}", "{}", "a\"b" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		rendering_check(
			&cases[i], SOURCE_TEXT,
			(struct template_input){ .escape = TOCSIN_ESCAPE_HTML, .extra = extra });
}

static void test_single_braces(void **state)
{
	static const struct rendering cases[] = {
		{ "known", "{event_type} at {occurred_at}",
		  "{\"event_type\":\"a.b\",\"occurred_at\":\"now\"}", "a.b at now" },
		{ "escaped", "{subject}", "{\"subject\":\"<b>\"}", "&lt;b&gt;" },
		{ "known, missing", "({subject}{webhook_name})", "{}", "()" },
		{ "known, an object", "{data}", "{\"data\":{\"n\": 1}}", "{&quot;n&quot;:1}" },
		{ "unknown", "{order} {data_id}", "{\"order\":1,\"data_id\":2}",
		  "{order} {data_id}" },
		{ "of the event, not the section", "{{#data}}{event_type}{{/data}}",
		  "{\"event_type\":\"out\",\"data\":{\"event_type\":\"in\"}}", "out" },
		{ "in a list", "{{#data}}{event_id};{{/data}}",
		  "{\"event_id\":\"e\",\"data\":[1,2]}", "e;e;" },
		{ "no name", "{} {1a} {a-b} { data } {data {da.ta}", "{\"data\":1}",
		  "{} {1a} {a-b} { data } {data {da.ta}" },
		{ "doubled behind", "{data}} {data}", "{\"data\":1}", "{data}} 1" },
		{ "doubled before", "{{=<% %>=}}{{data} {{data}} {data}", "{\"data\":1}",
		  "{{data} {{data}} 1" },
		{ "next to each other", "{data}{data}{{data}}{data}", "{\"data\":1}", "1111" },
		{ "CSS", "p{color:red} .a{b}", "{}", "p{color:red} .a{b}" },
		{ "not standalone", " {data}\n", "{\"data\":1}", " 1\n" },
		{ "all of them",
		  "{event_id}{event_type}{occurred_at}{webhook_id}{webhook_name}{namespace_id}"
		  "{subject}{metadata}{cache_scope}{data}",
		  "{\"event_id\":0,\"event_type\":1,\"occurred_at\":2,\"webhook_id\":3,"
		  "\"webhook_name\":4,\"namespace_id\":5,\"subject\":6,\"metadata\":7,"
		  "\"cache_scope\":8,\"data\":9}",
		  "0123456789" },
	};

	(void)state;
	renderings_check(cases, COUNT_OF(cases), SOURCE_TEXT, TOCSIN_ESCAPE_HTML);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		size_t line, column;
		const char *want; /* the message holds it */
	} cases[] = {
		{ "{{>part}}", 1, 1, "{{>part}}: partials are not supported" },
		{ "a\n b{{> part }}", 2, 3, "partials are not supported" },
		{ "{{>*dynamic}}", 1, 1, "partials are not supported" },
		{ "{{<parent}}{{/parent}}", 1, 1, "inheritance is not supported" },
		{ "{{$block}}{{/block}}", 1, 1, "inheritance is not supported" },
		{ "{{#if x}}y{{/if}}", 1, 1, "{{#if x}}: a name has no blanks" },
		{ "a {{x", 1, 3, "{{x: the tag is not closed" },
		{ "{{{x}}", 1, 1, "the tag is not closed" },
		{ "\xC3\xA9\xC3\xA9{{x", 1, 3, "the tag is not closed" },
		{ "{{! never", 1, 1, "the tag is not closed" },
		{ "{{=<% %>}}", 1, 1, "the tag is not closed" },
		{ "{{", 1, 1, "the tag is not closed" },
		{ "{{}}", 1, 1, "a name is missing" },
		{ "{{ \n }}", 1, 1, "a name is missing" },
		{ "{{#}}{{/}}", 1, 1, "a name is missing" },
		{ "{{{}}}", 1, 1, "a name is missing" },
		{ "{{a..b}}", 1, 1, "a part of the name is empty" },
		{ "{{.a}}", 1, 1, "a part of the name is empty" },
		{ "{{a.}}", 1, 1, "a part of the name is empty" },
		{ "{{a\x01}}", 1, 1, "control characters" },
		{ "{{#a}}", 1, 1, "section {{#a}} is not closed" },
		{ "x\r\ny {{#a}}\n{{#b}}{{/b}}", 2, 3, "section {{#a}} is not closed" },
		{ "{{^a}}", 1, 1, "section {{#a}} is not closed" },
		{ "{{/a}}", 1, 1, "{{/a}} closes no section" },
		{ "{{#a}}\n{{/b}}", 2, 1, "{{/b}} where section {{#a}} must be closed" },
		{ "{{#a}}{{#b}}{{/a}}{{/b}}", 1, 13, "{{/a}} where section {{#b}}" },
		{ "{{=a=}}", 1, 1, "two delimiters" },
		{ "{{= =}}", 1, 1, "two delimiters" },
		{ "{{=a b c=}}", 1, 1, "two delimiters" },
		{ "{{=a= b=}}", 1, 1, "two delimiters" },
		{ "{{=<% %>=}}\n<%x", 2, 1, "<%x: the tag is not closed" },
		{ "a\xFFz", 1, 1, "UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct span text = exact(cases[i].text);
		struct template *t = NULL;
		struct template_fault fault;

		assert_int_equal(template_compile(text, &t, &fault), ERR_BAD_REQUEST);
		assert_null(t);
		if (strstr(fault.text, cases[i].want) == NULL || fault.line != cases[i].line ||
		    fault.column != cases[i].column)
			fail_msg("%s: %zu:%zu: %s", cases[i].text, fault.line, fault.column,
				 fault.text);
		free((void *)(uintptr_t)text.ptr);
	}
}

/* count times text, then end. */
static char *repeated(const char *text, size_t count, const char *end)
{
	struct buf out;

	buf_init(&out, 4 * RENDERING_MAX_BYTES);
	for (size_t i = 0; i < count; i++)
		buf_text(&out, text);
	buf_text(&out, end);
	return buf_take(&out);
}

static enum err compile_rc(const char *text)
{
	struct template *t = NULL;
	struct template_fault fault = { .line = 0 };
	const enum err rc = template_compile(span_of(text), &t, &fault);

	assert_true(rc == ERR_OK || (fault.line > 0 && fault.text[0] != '\0'));
	template_destroy(t);
	return rc;
}

static void test_source_caps(void **state)
{
	char *fits = repeated("x", TEMPLATE_MAX_BYTES, "");
	char *over = repeated("x", TEMPLATE_MAX_BYTES + 1, "");
	char *open = repeated("{{#a}}", TEMPLATE_DEPTH_MAX, "");
	char *close = repeated("{{/a}}", TEMPLATE_DEPTH_MAX, "");
	struct buf deep;

	(void)state;
	assert_int_equal(compile_rc(fits), ERR_OK);
	assert_int_equal(compile_rc(over), ERR_TOO_BIG);
	buf_init(&deep, RENDERING_MAX_BYTES);
	buf_text(&deep, open);
	buf_text(&deep, close);
	assert_int_equal(compile_rc(buf_view(&deep).ptr), ERR_OK);
	buf_clear(&deep);
	buf_text(&deep, "{{^b}}");
	buf_text(&deep, open);
	buf_text(&deep, close);
	buf_text(&deep, "{{/b}}");
	assert_int_equal(compile_rc(buf_view(&deep).ptr), ERR_TOO_BIG);
	buf_finish(&deep);
	free(fits);
	free(over);
	free(open);
	free(close);
	template_destroy(NULL);
}

static enum err render_rc(const char *text, const char *event, size_t max, size_t buf_max,
			  size_t *out_len)
{
	struct template *t = compiled(text, SOURCE_TEXT);
	const struct template_input in = { .event = span_of(event),
					   .escape = TOCSIN_ESCAPE_HTML,
					   .output_max_bytes = max };
	struct buf out;

	buf_init(&out, buf_max);
	buf_text(&out, "ab");

	const enum err rc = template_render(t, &in, &out);

	assert_int_equal(out.max, buf_max);
	*out_len = out.len;
	buf_finish(&out);
	template_destroy(t);
	return rc;
}

static void test_output_caps(void **state)
{
	size_t len;
	char *list = repeated("1,", 40, "1]}");
	char event[256];

	(void)state;
	snprintf(event, sizeof(event), "{\"t\":\"abcdef\\n\",\"l\":[%s", list);
	assert_int_equal(render_rc("{{t}}", event, 7, 100, &len), ERR_OK);
	assert_int_equal(len, 9);
	assert_int_equal(render_rc("{{t}}", event, 6, 100, &len), ERR_TOO_BIG);
	assert_int_equal(render_rc("{{t}}", event, 100, 8, &len), ERR_TOO_BIG);
	assert_int_equal(render_rc("abcdefg", event, 6, 100, &len), ERR_TOO_BIG);
	assert_int_equal(render_rc("{{#l}}x{{/l}}", event, 41, 100, &len), ERR_OK);
	assert_int_equal(render_rc("{{#l}}x{{/l}}", event, 40, 100, &len), ERR_TOO_BIG);
	/* Without a limit of the caller: 41 * 41 * 41 * 4 bytes are too many. */
	assert_int_equal(render_rc("{{#l}}{{#l}}{{#l}}1234{{/l}}{{/l}}{{/l}}", event, 0,
				   RENDERING_MAX_BYTES, &len),
			 ERR_TOO_BIG);
	free(list);
}

static void test_step_caps(void **state)
{
	static const char thousand[] = "{{#l}}{{#l}}{{#l}}{{/l}}{{/l}}{{/l}}";
	char *list = repeated("1,", 99, "1]");
	char *blanks = repeated(" ", 300 * 1000, "");
	const size_t bytes = strlen(list) + strlen(blanks) + 64;
	char *event = malloc(bytes);
	size_t len;

	(void)state;
	assert_non_null(event);
	snprintf(event, bytes, "{\"l\":[%s,\"o\":{\"a\":1%s,\"b\":2}}", list, blanks);
	assert_int_equal(render_rc("{{#l}}{{#l}}{{/l}}{{/l}}", event, 0, 100, &len), ERR_OK);
	assert_int_equal(len, 2);
	/* A million turns, and no output at all. */
	assert_int_equal(render_rc(thousand, event, 0, 100, &len), ERR_TOO_BIG);
	/* A hundred turns that each pass 300,000 bytes; a name's value is kept. */
	assert_int_equal(render_rc("{{#l}}{{#o}}{{b}}{{/o}}{{/l}}", event, 0, 999, &len),
			 ERR_TOO_BIG);
	assert_int_equal(render_rc("{{#l}}{{o.b}}{{/l}}", event, 0, 999, &len), ERR_OK);
	assert_int_equal(len, 102);
	free(list);
	free(blanks);
	free(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),      cmocka_unit_test(test_dotted_names),
		cmocka_unit_test(test_extra),       cmocka_unit_test(test_single_braces),
		cmocka_unit_test(test_refused),     cmocka_unit_test(test_source_caps),
		cmocka_unit_test(test_output_caps), cmocka_unit_test(test_step_caps),
	};

	return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
