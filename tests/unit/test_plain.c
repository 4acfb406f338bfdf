/* test_plain.c - HTML as text, by table, also HTML that is broken.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/err.h"
#include "email/plain.h"

#include "mail_world.h"

static void rows_are_read(void **state)
{
	static const struct {
		const char *label, *in, *want;
	} rows[] = {
		{ "empty", "", "" },
		{ "text", "hello", "hello\n" },
		{ "blanks are one", " a \n\t b ", "a b\n" },
		{ "paragraphs", "<p>a</p>\n<p>b</p>", "a\n\nb\n" },
		{ "inline tags", "a <b>bold</b><i>x</i>", "a boldx\n" },
		{ "br", "a<br>b<BR/>c", "a\nb\nc\n" },
		{ "heading", "<h1>T</h1>text", "T\n\ntext\n" },
		{ "list", "<ul><li>a</li>\n<li>b</li></ul>", "- a\n- b\n" },
		{ "loose list", "<ul>\n<li>\n<p>a</p>\n</li>\n</ul>", "- a\n" },
		{ "table", "<table><tr><td>a</td> <td>b</td></tr><tr><td>c</td></tr></table>",
		  "a  b\nc\n" },
		{ "link", "<a href=\"https://x.example/?a=1&amp;b=2\">here</a> now",
		  "here <https://x.example/?a=1&b=2> now\n" },
		{ "link that is its text", "<a href='https://x.example/'>https://x.example/</a>",
		  "https://x.example/\n" },
		{ "mailto that is its text", "<a href=mailto:a@b.example>a@b.example</a>",
		  "a@b.example\n" },
		{ "bad link", "<a href=\"javascript:alert(1)\">here</a>", "here\n" },
		{ "anchor", "<a name=x>here</a>", "here\n" },
		{ "link that never ends", "<a href=\"https://x.example\">here",
		  "here <https://x.example>\n" },
		{ "image", "<img src=x alt=\"a &gt; b\">", "a > b\n" },
		{ "rule", "a<hr>b", "a\n\n----\n\nb\n" },
		{ "entities", "&lt;&amp;&gt;&quot;&#39;&#x20AC;&nbsp;&unknown; & &#0;",
		  "<&>\"'\xE2\x82\xAC &unknown; & &#0;\n" },
		{ "style and script", "<style>p{}</style>a<script>1<2</script >b", "ab\n" },
		{ "title", "<html><head><title>T</title></head><body>x</body></html>", "x\n" },
		{ "comment", "a<!-- <p>no</p> -->b", "ab\n" },
		{ "doctype", "<!DOCTYPE html>a", "a\n" },
		{ "pre", "<pre>a  b\n c</pre>d", "a  b\n c\n\nd\n" },
		{ "less than", "1 < 2 <3", "1 < 2 <3\n" },
		{ "quoted >", "<p title=\"a>b\">x</p>", "x\n" },
		{ "open tag at the end", "a<b", "a\n" },
		{ "open comment", "a<!-- b", "a\n" },
		{ "open style", "a<style>b", "a\n" },
		{ "open attribute", "a<a href=\"x", "a\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct text out = { 0 };

		plain_append(world_span(rows[i].in), &out);
		if (strcmp(out.ptr == NULL ? "" : out.ptr, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].label, out.ptr);
		text_finish(&out);
	}
}

/* Every beginning of a page, on memory that ends there: nothing is read beyond. */
static void any_beginning_is_read(void **state)
{
	static const char page[] = "<!DOCTYPE html><p>a &amp; <a href=\"https://x.example\">b</a>"
				   "<!-- c --><style>d</style><img alt='e'><ul><li>f</ul>&#x41;";

	(void)state;
	for (size_t len = 0; len < sizeof(page); len++) {
		char *copy = xcalloc(1, len + 1);
		char *exact = realloc(copy, len > 0 ? len : 1);
		struct text out = { 0 };

		memcpy(exact, page, len);
		plain_append((struct tocsin_span){ exact, len }, &out);
		text_finish(&out);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_read),
		cmocka_unit_test(any_beginning_is_read),
	};

	return cmocka_run_group_tests_name("plain", tests, NULL, NULL);
}
