/* test_markdown.c - CommonMark that cannot do harm in a mail.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "email/markdown.h"

#include "mail_world.h"

static void rows_are_rendered(void **state)
{
	static const struct {
		const char *label, *in, *want;
	} rows[] = {
		{ "empty", "", "" },
		{ "paragraph", "a *b* **c**", "<p>a <em>b</em> <strong>c</strong></p>\n" },
		{ "link", "[a](https://x.example/?a=1&b=2)",
		  "<p><a href=\"https://x.example/?a=1&amp;b=2\">a</a></p>\n" },
		{ "mailto", "[a](mailto:b@x.example)",
		  "<p><a href=\"mailto:b@x.example\">a</a></p>\n" },
		{ "autolink", "<https://x.example>",
		  "<p><a href=\"https://x.example\">https://x.example</a></p>\n" },
		{ "javascript", "[a](javascript:alert(1))", "<p><a href=\"\">a</a></p>\n" },
		{ "in capitals", "[a](JaVaScRiPt:x)", "<p><a href=\"\">a</a></p>\n" },
		{ "data", "[a](data:text/html,x)", "<p><a href=\"\">a</a></p>\n" },
		{ "data image", "![a](data:image/png;base64,x)",
		  "<p><img src=\"\" alt=\"a\" /></p>\n" },
		{ "file", "[a](file:///etc/passwd)", "<p><a href=\"\">a</a></p>\n" },
		{ "tel and others", "[a](tel:1)", "<p><a href=\"\">a</a></p>\n" },
		{ "relative", "[a](/b)", "<p><a href=\"\">a</a></p>\n" },
		{ "by reference", "[a][r]\n\n[r]: javascript:x", "<p><a href=\"\">a</a></p>\n" },
		{ "entity in the scheme", "[a](java&#115;cript:x)", "<p><a href=\"\">a</a></p>\n" },
		{ "raw HTML", "a <script>x</script>",
		  "<p>a <!-- raw HTML omitted -->x<!-- raw HTML omitted --></p>\n" },
		{ "raw block", "<script>x</script>", "<!-- raw HTML omitted -->\n" },
		{ "attribute", "[a](https://x.example \"t\\\" onclick=\\\"x\")",
		  "<p><a href=\"https://x.example\" title=\"t&quot; onclick=&quot;x\">"
		  "a</a></p>\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct text out = { 0 };

		markdown_append(world_span(rows[i].in), &out);
		if (strcmp(out.ptr, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].label, out.ptr);
		text_finish(&out);
	}
}

/* An event's value is data, whatever it holds. */
static void values_are_no_markup(void **state)
{
	static const char *const values[] = { "*a* _b_ `c`",
					      "[a](https://evil.example)",
					      "![a](https://evil.example/x.png)",
					      "<https://evil.example>",
					      "<script>alert(1)</script>",
					      "# a",
					      "1. a",
					      "&lt;b&gt;",
					      "\\*a\\*",
					      "~~~",
					      "| a | b |",
					      "a_b_c" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		struct text out = { 0 };
		struct buf escaped;

		buf_init(&escaped, 1000);
		template_escape((struct span){ values[i], strlen(values[i]) },
				TOCSIN_ESCAPE_MARKDOWN, &escaped);
		markdown_append((struct tocsin_span){ escaped.ptr, escaped.len }, &out);
		if (memcmp(out.ptr, "<p>", 3) != 0 || strchr(out.ptr + 3, '<') == NULL ||
		    strcmp(strchr(out.ptr + 3, '<'), "</p>\n") != 0)
			fail_msg("%s became %s", values[i], out.ptr);
		buf_finish(&escaped);
		text_finish(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_rendered),
		cmocka_unit_test(values_are_no_markup),
	};

	return cmocka_run_group_tests_name("markdown", tests, NULL, NULL);
}
