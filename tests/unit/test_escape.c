/* test_escape.c - what each place makes of a text, alone and in a template.
 * SPDX-License-Identifier: MIT */
#include "rendering.h"

static void test_places(void **state)
{
	static const struct {
		enum tocsin_escape escape;
		const char *text, *want;
	} cases[] = {
		{ TOCSIN_ESCAPE_NONE, "<a>&\"'\r\n\\", "<a>&\"'\r\n\\" },
		{ TOCSIN_ESCAPE_HTML, "a<b>&\"'\n", "a&lt;b&gt;&amp;&quot;&#39;\n" },
		{ TOCSIN_ESCAPE_HTML, "&amp;", "&amp;amp;" },
		{ TOCSIN_ESCAPE_JSON, "a\"\\\b\f\n\r\t\x01\x1F\x7F/",
		  "a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7F/" },
		{ TOCSIN_ESCAPE_JSON, "\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA\xC3\xA9",
		  "\\u2028\\u2029\xE2\x80\xAA\xC3\xA9" },
		{ TOCSIN_ESCAPE_JSON, "a\xFF\xC3(", "a\xEF\xBF\xBD\xEF\xBF\xBD(" },
		{ TOCSIN_ESCAPE_SLACK, "<!channel> & \"*_~`'", "&lt;!channel&gt; &amp; \"*_~`'" },
		{ TOCSIN_ESCAPE_MARKDOWN, "a*b_c`d[e](f)#g+h-i.j!k<l>m&n|o{p}q\\r=s~t",
		  "a\\*b\\_c\\`d\\[e\\]\\(f\\)\\#g\\+h\\-i\\.j\\!k\\<l\\>m\\&n\\|"
		  "o\\{p\\}q\\\\r\\=s\\~t" },
		{ TOCSIN_ESCAPE_MARKDOWN, "    code\n\tcode\r\n  x\rz \n\n y",
		  "&#32;   code\n&#9;code\r\n&#32; x\rz \n\n&#32;y" },
		{ TOCSIN_ESCAPE_MARKDOWN, "10:30, \"it's\" \xC3\xA9?\n",
		  "10:30, \"it's\" \xC3\xA9?\n" },
		{ TOCSIN_ESCAPE_HEADER, "a\r\nBcc: x\ty\x01\x7F\x1Fz", "a  Bcc: x y   z" },
		{ TOCSIN_ESCAPE_HEADER, "a\xC2\x85z\xE2\x80\xA8z\xE2\x80\xA9z\xE2\x80\xAA\xC2\x86",
		  "a z z z\xE2\x80\xAA\xC2\x86" },
		{ TOCSIN_ESCAPE_HEADER, "\xE2\x80\xC2", "\xE2\x80\xC2" },
		{ TOCSIN_ESCAPE_HEADER, "plain", "plain" },
		{ TOCSIN_ESCAPE_URL, "AZaz09-._~ !*'();:@&=+$,/?#[]%\"\n\xC3\xA9",
		  "AZaz09-._~%20%21%2A%27%28%29%3B%3A%40%26%3D%2B%24%2C%2F%3F%23%5B%5D%25%22%0A"
		  "%C3%A9" },
		{ (enum tocsin_escape)99, "x", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct span text = exact(cases[i].text);
		struct buf out;

		buf_init(&out, 1000);
		template_escape(text, cases[i].escape, &out);
		template_escape((struct span){ NULL, 0 }, cases[i].escape, &out);
		if (!span_is(buf_view(&out), cases[i].want))
			fail_msg("escape %u of %s\n got: %s\nwant: %s", (unsigned)cases[i].escape,
				 cases[i].text, buf_view(&out).ptr, cases[i].want);
		buf_finish(&out);
		free((void *)(uintptr_t)text.ptr);
	}
}

static void test_in_templates(void **state)
{
	static const struct {
		enum tocsin_escape escape;
		struct rendering c;
	} cases[] = {
		{ TOCSIN_ESCAPE_NONE, { "none", "{{x}}", "{\"x\":\"<\\\"\\n\"}", "<\"\n" } },
		{ TOCSIN_ESCAPE_JSON,
		  { "JSON, raw tags too", "\"{{x}}{{{x}}}{{&x}}\"", "{\"x\":\"\\\"\\n\"}",
		    "\"\\\"\\n\\\"\\n\\\"\\n\"" } },
		{ TOCSIN_ESCAPE_JSON,
		  { "JSON, an object", "{\"a\":\"{{{x}}}\"}", "{\"x\":{\"b\":\"\\\"\"}}",
		    "{\"a\":\"{\\\"b\\\":\\\"\\\\\\\"\\\"}\"}" } },
		{ TOCSIN_ESCAPE_HEADER,
		  { "header, raw tags too", "{{x}}|{{{x}}}|{{&x}}", "{\"x\":\"a\\r\\nb\"}",
		    "a  b|a  b|a  b" } },
		{ TOCSIN_ESCAPE_HEADER,
		  { "header, the template's own lines", "a\n{{x}}\tb\r\n", "{\"x\":1}",
		    "a 1 b  " } },
		{ TOCSIN_ESCAPE_HEADER,
		  { "header, a NUL", "{{x}}.", "{\"x\":\"a\\u0000b\"}", "a b." } },
		{ TOCSIN_ESCAPE_SLACK,
		  { "Slack", "*{{x}}* {{{x}}}", "{\"x\":\"<&>\"}", "*&lt;&amp;&gt;* <&>" } },
		{ TOCSIN_ESCAPE_MARKDOWN,
		  { "Markdown", "# {{x}} {{{x}}} {{n}}", "{\"x\":\"*a*\",\"n\":-1.5}",
		    "# \\*a\\* *a* \\-1\\.5" } },
		{ TOCSIN_ESCAPE_URL,
		  { "URL", "?a={{x}}&b={{{x}}}&c={{n}}", "{\"x\":\"a b+\",\"n\":1e+5}",
		    "?a=a%20b%2B&b=a b+&c=1e%2B5" } },
		{ TOCSIN_ESCAPE_URL,
		  { "single brace", "{subject}", "{\"subject\":\"&\"}", "%26" } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		renderings_check(&cases[i].c, 1, SOURCE_TEXT, cases[i].escape);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_in_templates),
	};

	return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
