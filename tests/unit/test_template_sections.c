/* test_template_sections.c - sections, inverted sections, delimiters, comments,
 * and lines that hold nothing else.
 * SPDX-License-Identifier: MIT */
#include "rendering.h"

#define SKY "{\"t\":true,\"f\":false,\"n\":null,\"e\":[],\"l\":[1,2,3]}"

static void test_sections(void **state)
{
	static const struct rendering cases[] = {
		{ "true", "{{#t}}yes{{/t}}", SKY, "yes" },
		{ "false", "({{#f}}no{{/f}})", SKY, "()" },
		{ "null", "({{#n}}no{{/n}})", SKY, "()" },
		{ "missing", "({{#x}}no{{/x}})", SKY, "()" },
		{ "empty list", "({{#e}}no{{/e}})", SKY, "()" },
		{ "list of blanks", "({{#x}}no{{/x}})", "{\"x\":[ \n]}", "()" },
		{ "empty text is false", "({{#x}}no{{/x}})", "{\"x\":\"\"}", "()" },
		{ "zero is true", "({{#x}}{{.}}{{/x}})", "{\"x\":0}", "(0)" },
		{ "empty object is true", "({{#x}}yes{{/x}})", "{\"x\":{}}", "(yes)" },
		{ "object", "{{#c}}Hi {{name}}.{{/c}}", "{\"c\":{\"name\":\"J\"}}", "Hi J." },
		{ "names of outer contexts", "{{#s}}{{a}}, {{b}}, {{c}}{{/s}}",
		  "{\"a\":\"foo\",\"b\":\"wrong\",\"s\":{\"b\":\"bar\"},\"c\":\"baz\"}",
		  "foo, bar, baz" },
		{ "texts are contexts", "{{#a}}{{b}} is {{.}}{{/a}}", "{\"a\":\"x\",\"b\":\"y\"}",
		  "y is x" },
		{ "list", "{{#l}}{{.}}{{/l}}", SKY, "123" },
		{ "list of objects", "{{#l}}{{n}};{{/l}}", "{\"l\":[{\"n\":1},{\"n\":2}]}",
		  "1;2;" },
		{ "elements that are false too", "{{#l}}({{.}}){{/l}}",
		  "{\"l\":[0,\"\",false,null,[],{}]}", "(0)()(false)()([])({})" },
		{ "doubled", "{{#t}}\n* first\n{{/t}}\n* {{two}}\n{{#t}}\n* third\n{{/t}}\n",
		  "{\"t\":true,\"two\":\"second\"}", "* first\n* second\n* third\n" },
		{ "nested, true", "| A {{#t}}B {{#t}}C{{/t}} D{{/t}} E |", SKY, "| A B C D E |" },
		{ "nested, false", "| A {{#f}}B {{#f}}C{{/f}} D{{/f}} E |", SKY, "| A  E |" },
		{ "nested lists",
		  "{{#tops}}{{#middles}}{{n}}{{#bottoms}}.{{t}}{{n}}{{b}}{{/bottoms}}"
		  "{{/middles}}{{/tops}}",
		  "{\"tops\":[{\"t\":\"A\",\"middles\":[{\"n\":\"1\",\"bottoms\":[{\"b\":\"x\"},"
		  "{\"b\":\"y\"}]}]}]}",
		  "1.A1x.A1y" },
		{ "ever deeper",
		  "{{#a}}\n{{one}}\n{{#b}}\n{{one}}{{two}}{{one}}\n{{#c.d}}\n"
		  "{{one}}{{two}}{{four}}{{two}}{{one}}\n{{/c.d}}\n{{/b}}\n{{/a}}\n",
		  "{\"a\":{\"one\":1},\"b\":{\"two\":2},\"c\":{\"three\":3,\"d\":{\"four\":4}}}",
		  "1\n121\n12421\n" },
		{ "list in an object in a list",
		  "{{#l}}{{#o}}{{#l}}{{v}}{{/l}}{{/o}}{{^o}}-{{/o}};{{/l}}",
		  "{\"l\":[{\"o\":{\"l\":[{\"v\":1},{\"v\":2}]}},{},{\"o\":{\"l\":[{\"v\":3}]}}]}",
		  "12;-;3;" },
		{ "dotted, true", "{{#a.b.c}}Here{{/a.b.c}}", "{\"a\":{\"b\":{\"c\":true}}}",
		  "Here" },
		{ "dotted, false", "({{#a.b.c}}Here{{/a.b.c}})", "{\"a\":{\"b\":{\"c\":false}}}",
		  "()" },
		{ "dotted, broken", "({{#a.b.c}}Here{{/a.b.c}})", "{\"a\":{}}", "()" },
		{ "iterator: texts", "{{#l}}({{.}}){{/l}}", "{\"l\":[\"a\",\"b\",\"<\"]}",
		  "(a)(b)(&lt;)" },
		{ "iterator: decimals", "{{#l}}({{.}}){{/l}}", "{\"l\":[1.10,2.20]}",
		  "(1.10)(2.20)" },
		{ "iterator: lists", "{{#l}}({{#.}}{{.}}{{/.}}){{/l}}",
		  "{\"l\":[[1,2,3],[\"a\",\"b\"],[]]}", "(123)(ab)()" },
		{ "iterator: raw", "{{#l}}({{{.}}}{{&.}}){{/l}}", "{\"l\":[\"<\",\"\\\"\"]}",
		  "(<<)(\"\")" },
		{ "iterator: the event", "{{#.}}{{x}}{{/.}}", "{\"x\":5}", "5" },
		{ "iterator: objects", "{{#l}}{{#.}}{{a}}{{/.}}{{/l}}",
		  "{\"l\":[{\"a\":1},{\"a\":2}]}", "12" },
		{ "text around", " | {{#t}}\t|\t{{/t}} | \n", SKY, " | \t|\t | \n" },
		{ "text with lines", " | {{#t}} {{! x }}\n {{/t}} | \n", SKY, " |  \n  | \n" },
		{ "on one line", " {{#t}}YES{{/t}}\n {{#t}}GOOD{{/t}}\n", SKY, " YES\n GOOD\n" },
		{ "standalone", "| This Is\n{{#t}}\n|\n{{/t}}\n| A Line\n", SKY,
		  "| This Is\n|\n| A Line\n" },
		{ "standalone, indented", "| This Is\n  {{#t}}\n|\n \t{{/t}} \n| A Line\n", SKY,
		  "| This Is\n|\n| A Line\n" },
		{ "standalone, CR LF", "|\r\n{{#t}}\r\n{{/t}}\r\n|", SKY, "|\r\n|" },
		{ "standalone, first line", "  {{#t}}\n#{{/t}}\n/", SKY, "#\n/" },
		{ "standalone, last line", "#{{#t}}\n/\n  {{/t}}", SKY, "#\n/\n" },
		{ "two tags are not alone", "{{#t}} {{/t}}\n", SKY, " \n" },
		{ "a lone CR ends no line", "a\r{{#t}}\rb{{/t}}", SKY, "a\r\rb" },
		{ "lists of lines", "{{#l}}\n- {{.}}\n{{/l}}\nend", SKY, "- 1\n- 2\n- 3\nend" },
		{ "blanks in the tags", "|{{# t }}={{/ t }}|", SKY, "|=|" },
		{ "same name inside", "{{#a}}{{#a}}{{b}}{{/a}}{{/a}}",
		  "{\"a\":{\"a\":{\"b\":1},\"b\":2}}", "1" },
		{ "after an empty section", "a{{#f}}{{/f}}b{{^t}}{{/t}}c", SKY, "abc" },
	};

	(void)state;
	renderings_check(cases, COUNT_OF(cases), SOURCE_TEXT, TOCSIN_ESCAPE_HTML);
}

static void test_inverted(void **state)
{
	static const struct rendering cases[] = {
		{ "false", "{{^f}}yes{{/f}}", SKY, "yes" },
		{ "true", "({{^t}}no{{/t}})", SKY, "()" },
		{ "null", "{{^n}}yes{{/n}}", SKY, "yes" },
		{ "missing", "{{^x}}yes{{/x}}", SKY, "yes" },
		{ "object", "({{^x}}no{{/x}})", "{\"x\":{\"a\":1}}", "()" },
		{ "list", "({{^l}}no{{/l}})", SKY, "()" },
		{ "empty list", "{{^e}}yes{{/e}}", SKY, "yes" },
		{ "empty text", "{{^x}}yes{{/x}}", "{\"x\":\"\"}", "yes" },
		{ "zero", "({{^x}}no{{/x}})", "{\"x\":0}", "()" },
		{ "doubled", "{{^f}}\n* first\n{{/f}}\n* {{two}}\n{{^f}}\n* third\n{{/f}}\n",
		  "{\"f\":false,\"two\":\"second\"}", "* first\n* second\n* third\n" },
		{ "nested, false", "| A {{^f}}B {{^f}}C{{/f}} D{{/f}} E |", SKY, "| A B C D E |" },
		{ "nested, true", "| A {{^t}}B {{^t}}C{{/t}} D{{/t}} E |", SKY, "| A  E |" },
		{ "dotted, true", "({{^a.b}}no{{/a.b}})", "{\"a\":{\"b\":true}}", "()" },
		{ "dotted, false", "{{^a.b}}yes{{/a.b}}", "{\"a\":{\"b\":false}}", "yes" },
		{ "dotted, broken", "{{^a.b}}yes{{/a.b}}", "{\"a\":{}}", "yes" },
		{ "text around", " | {{^f}}\t|\t{{/f}} | \n", SKY, " | \t|\t | \n" },
		{ "text with lines", " | {{^f}} {{! x }}\n {{/f}} | \n", SKY, " |  \n  | \n" },
		{ "on one line", " {{^f}}NO{{/f}}\n {{^f}}WAY{{/f}}\n", SKY, " NO\n WAY\n" },
		{ "standalone", "| This Is\n{{^f}}\n|\n{{/f}}\n| A Line\n", SKY,
		  "| This Is\n|\n| A Line\n" },
		{ "standalone, indented", "| This Is\n  {{^f}}\n|\n  {{/f}}\n| A Line\n", SKY,
		  "| This Is\n|\n| A Line\n" },
		{ "standalone, CR LF", "|\r\n{{^f}}\r\n{{/f}}\r\n|", SKY, "|\r\n|" },
		{ "standalone, first line", "  {{^f}}\n^{{/f}}\n/", SKY, "^\n/" },
		{ "standalone, last line", "^{{^f}}\n/\n  {{/f}}", SKY, "^\n/\n" },
		{ "blanks in the tags", "|{{^ f }}={{/ f }}|", SKY, "|=|" },
		{ "either, or", "{{#l}}a{{/l}}{{^l}}b{{/l}}{{#e}}c{{/e}}{{^e}}d{{/e}}", SKY,
		  "aaad" },
		{ "in a list", "{{#l}}{{^x}}{{y}}{{/x}}{{/l}}",
		  "{\"l\":[{\"x\":1,\"y\":1},{\"y\":2}]}", "2" },
	};

	(void)state;
	renderings_check(cases, COUNT_OF(cases), SOURCE_TEXT, TOCSIN_ESCAPE_HTML);
}

static void test_delimiters(void **state)
{
	static const struct rendering cases[] = {
		{ "pair", "{{=<% %>=}}(<%x%>)", "{\"x\":\"Hey\"}", "(Hey)" },
		{ "special characters", "({{=[ ]=}}[x])", "{\"x\":\"It\"}", "(It)" },
		{ "single braces", "{{={ }=}}{x} {{x}}", "{\"x\":\"<\"}", "&lt; <" },
		{ "in sections",
		  "[\n{{#s}}\n  {{x}}\n  |x|\n{{/s}}\n\n{{= | | =}}\n|#s|\n  {{x}}\n  |x|\n|/s|\n]",
		  "{\"s\":true,\"x\":\"I\"}", "[\n  I\n  |x|\n\n  {{x}}\n  I\n]" },
		{ "in inverted sections",
		  "[\n{{^s}}\n  {{x}}\n  |x|\n{{/s}}\n\n{{= | | =}}\n|^s|\n  {{x}}\n  |x|\n|/s|\n]",
		  "{\"s\":false,\"x\":\"I\"}", "[\n  I\n  |x|\n\n  {{x}}\n  I\n]" },
		{ "and back", "{{=<% %>=}}<%x%><%={{ }}=%>{{x}}<%x%>", "{\"x\":1}", "11<%x%>" },
		{ "raw", "{{=<% %>=}}<%&x%><%{x}%><%x%>", "{\"x\":\"<\"}", "<<&lt;" },
		{ "every sign", "{{=<< >>=}}<<#l>><<.>><</l>><<^x>>-<</x>><<! no >>", SKY, "123-" },
		{ "beyond ASCII", "{{=\xC2\xAB \xC2\xBB=}}\xC2\xABx\xC2\xBB", "{\"x\":1}", "1" },
		{ "text around", "| {{=@ @=}} |", "{}", "|  |" },
		{ "text with lines", " | {{=@ @=}}\n", "{}", " | \n" },
		{ "standalone", "Begin.\n{{=@ @=}}\nEnd.\n", "{}", "Begin.\nEnd.\n" },
		{ "standalone, indented", "Begin.\n  {{=@ @=}}\nEnd.\n", "{}", "Begin.\nEnd.\n" },
		{ "standalone, CR LF", "|\r\n{{= @ @ =}}\r\n|", "{}", "|\r\n|" },
		{ "standalone, first line", "  {{=@ @=}}\n=", "{}", "=" },
		{ "standalone, last line", "=\n  {{=@ @=}}", "{}", "=\n" },
		{ "blanks inside", "|{{=  @   @  =}}|", "{}", "||" },
		{ "lines inside", "|{{= @\n@ =}}|", "{}", "||" },
	};

	(void)state;
	renderings_check(cases, COUNT_OF(cases), SOURCE_TEXT, TOCSIN_ESCAPE_HTML);
}

static void test_comments(void **state)
{
	static const struct rendering cases[] = {
		{ "inside a line", "12345{{! Comment! }}67890", "{}", "1234567890" },
		{ "several lines", "12345{{!\n  A\n  comment.\n}}67890\n", "{}", "1234567890\n" },
		{ "standalone", "Begin.\n{{! Comment! }}\nEnd.\n", "{}", "Begin.\nEnd.\n" },
		{ "standalone, indented", "Begin.\n  {{! Comment! }}\nEnd.\n", "{}",
		  "Begin.\nEnd.\n" },
		{ "standalone, CR LF", "|\r\n{{! Comment! }}\r\n|", "{}", "|\r\n|" },
		{ "standalone, first line", "  {{! Comment! }}\n!", "{}", "!" },
		{ "standalone, last line", "!\n  {{! Comment! }}", "{}", "!\n" },
		{ "standalone, several lines", "Begin.\n{{!\nWhat\n}}\nEnd.\n", "{}",
		  "Begin.\nEnd.\n" },
		{ "standalone, several indented lines", "Begin.\n  {{!\n    What\n  }}\nEnd.\n",
		  "{}", "Begin.\nEnd.\n" },
		{ "indented, not alone", "  12 {{! 34 }}\n", "{}", "  12 \n" },
		{ "blanks kept", "12345 {{! Comment! }} 67890", "{}", "12345  67890" },
		{ "never a value", "({{! x }})({{!x}})", "{\"! x\":1,\"!x\":2,\"x\":3}", "()()" },
		{ "tags inside", "({{! {{x}})", "{\"x\":1}", "()" },
		{ "all of it", "{{! x }}", "{}", "" },
		{ "nothing in it", "a{{!}}b", "{}", "ab" },
	};

	(void)state;
	renderings_check(cases, COUNT_OF(cases), SOURCE_TEXT, TOCSIN_ESCAPE_HTML);
}

/* More members and contexts than are found at once; more names than are kept. */
static void test_many(void **state)
{
	struct buf text, event, want;
	struct rendering c = { .label = "many" };

	(void)state;
	buf_init(&text, TEMPLATE_MAX_BYTES);
	buf_init(&event, RENDERING_MAX_BYTES);
	buf_init(&want, RENDERING_MAX_BYTES);
	buf_text(&text, "{{#l}}");
	buf_text(&event, "{\"l\":[{},{\"k7\":\"seven\"}],\"d\":{\"x\":0");
	for (int i = 0; i < 400; i++)
		buf_format(&event, ",\"k%d\":%d", i, i);
	buf_text(&event, "}");
	for (int i = 0; i < 400; i++) {
		buf_format(&event, ",\"k%d\":{\"v\":%d}", i, i);
		buf_format(&text, "{{k%d.v}} {{d.k%d}} ", i, 399 - i);
	}
	buf_text(&text, "{{/l}}");
	buf_text(&event, "}");
	for (int turn = 0; turn < 2; turn++)
		for (int i = 0; i < 400; i++) {
			if (turn == 0 || i != 7)
				buf_int(&want, i);
			buf_format(&want, " %d ", 399 - i);
		}
	c.text = buf_view(&text).ptr;
	c.event = buf_view(&event).ptr;
	c.want = buf_view(&want).ptr;
	renderings_check(&c, 1, SOURCE_TEXT, TOCSIN_ESCAPE_NONE);
	buf_finish(&text);
	buf_finish(&event);
	buf_finish(&want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections),   cmocka_unit_test(test_inverted),
		cmocka_unit_test(test_delimiters), cmocka_unit_test(test_comments),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("template sections", tests, NULL, NULL);
}
