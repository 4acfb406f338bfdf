/* test_body.c - templates and defaults by content_type.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "email/body.h"

#include "mail_world.h"

static const char envelope[] =
	"{\"event_type\":\"object.created\",\"subject\":\"a <b> & *c*\",\"data\":{\"n\":1.0}}";

struct made {
	struct body body;
	int rc;
};

static struct made make(const char *subject, const char *body, const char *content_type)
{
	struct template *s = subject == NULL ? NULL : world_template(subject);
	struct template *b = body == NULL ? NULL : world_template(body);
	const struct tocsin_message msg = world_message(envelope);
	struct made made = { 0 };

	made.rc = body_make(&world_host, &msg,
			    &(struct body_wish){ (const struct tocsin_template *)s,
						 (const struct tocsin_template *)b, content_type },
			    &made.body);
	template_destroy(s);
	template_destroy(b);
	return made;
}

static const char *text_of(const struct text *t)
{
	return t->ptr == NULL ? "" : t->ptr;
}

static void templates_are_used(void **state)
{
	static const struct {
		const char *content_type, *template, *text, *html, *json;
	} rows[] = {
		{ "plain_text", "Hi {{subject}}", "Hi a <b> & *c*", NULL, "" },
		{ "html", "<p>Hi {{subject}}</p>", "Hi a <b> & *c*\n",
		  "<p>Hi a &lt;b&gt; &amp; *c*</p>", "" },
		{ "html", "one\n{event_type}", "one\nobject.created\n", "one<br>\nobject.created",
		  "" },
		{ "markdown", "# Hi\n\n*{{subject}}* [x](https://x.example)",
		  "Hi\n\na <b> & *c* x <https://x.example>\n",
		  "<em>a &lt;b&gt; &amp; *c*</em> <a href=\"https://x.example\">x</a>", "" },
		{ "json", "{\"s\":\"{{subject}}\"}", "{\n  \"s\": \"a <b> & *c*\"\n}\n", NULL,
		  "{\n  \"s\": \"a <b> & *c*\"\n}\n" },
		{ "json", "See the attachment", "See the attachment", NULL,
		  "{\n  \"event_type\": \"object.created\",\n  \"subject\": \"a <b> & *c*\",\n"
		  "  \"data\": {\n    \"n\": 1.0\n  }\n}\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct made made = make("S {{subject}}\n", rows[i].template, rows[i].content_type);

		assert_int_equal(made.rc, TOCSIN_OK);
		assert_string_equal(text_of(&made.body.text), rows[i].text);
		assert_string_equal(text_of(&made.body.json), rows[i].json);
		assert_int_equal(made.body.html.len > 0, rows[i].html != NULL);
		if (rows[i].html != NULL && strstr(made.body.html.ptr, rows[i].html) == NULL)
			fail_msg("row %zu: %s", i, made.body.html.ptr);
		assert_null(strchr(made.body.subject.ptr, '\n'));
		assert_memory_equal(made.body.subject.ptr, "S a <b> & *c*", 13);
		body_finish(&made.body);
	}
}

static void defaults_are_used(void **state)
{
	static const struct {
		const char *content_type;
		int has_html, has_json;
	} rows[] = {
		{ "plain_text", 0, 0 }, { "html", 1, 0 }, { "markdown", 1, 0 }, { "json", 0, 1 }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct made made = make(NULL, NULL, rows[i].content_type);

		assert_int_equal(made.rc, TOCSIN_OK);
		assert_string_equal(made.body.subject.ptr, "object.created (Alerts)");
		assert_non_null(strstr(made.body.text.ptr, "object.created"));
		assert_int_equal(made.body.html.len > 0, rows[i].has_html);
		assert_int_equal(made.body.json.len > 0, rows[i].has_json);
		body_finish(&made.body);
	}
}

static void an_empty_subject_is_ours(void **state)
{
	struct made made = make(" {{nothing}} ", "x", "plain_text");

	(void)state;
	assert_string_equal(made.body.subject.ptr, "object.created (Alerts)");
	body_finish(&made.body);
}

static int render_refuses(void *core, const struct tocsin_message *msg,
			  const struct tocsin_render *what, struct tocsin_span *out)
{
	(void)core, (void)msg, (void)what, (void)out;
	return TOCSIN_BAD_MESSAGE;
}

static void too_large_results_are_told(void **state)
{
	static const char *const types[] = { "plain_text", "html", "markdown", "json" };

	(void)state;
	world_host.render = render_refuses;
	for (size_t i = 0; i < 4; i++) {
		struct made made = make(NULL, "x", types[i]);

		assert_int_equal(made.rc, TOCSIN_BAD_MESSAGE);
		body_finish(&made.body);
	}
	world_host.render = world_render;
}

static int teardown(void **state)
{
	(void)state;
	world_finish();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates_are_used),
		cmocka_unit_test(defaults_are_used),
		cmocka_unit_test(an_empty_subject_is_ours),
		cmocka_unit_test(too_large_results_are_told),
	};

	return cmocka_run_group_tests_name("body", tests, NULL, teardown);
}
