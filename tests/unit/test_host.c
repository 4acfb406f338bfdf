/* test_host.c - the services that plugins are lent.
 * SPDX-License-Identifier: MIT */
#include "delivery/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "delivery/rehearsal.h"

/* --- A channel whose prepare() asks for a service ------------------------------------- */

struct lent_configs {
	const char *url;
	const struct tocsin_template *text;
};

static const struct tocsin_field lent_fields[] = {
	{ .key = "url",
	  .help = "U.",
	  .kind = TOCSIN_URL,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  .offset = offsetof(struct lent_configs, url) },
	{ .key = "text",
	  .help = "T.",
	  .kind = TOCSIN_TEMPLATE,
	  .offset = offsetof(struct lent_configs, text) },
	{ .key = NULL },
};

static const struct tocsin_host *host;
static uint32_t kinds;        /* of signatures */
static size_t signature_room; /* given for them */
static char signature[1024];  /* what came */
static size_t signature_len;
static int render_rc;

static int lent_prepare(void *channel, const struct tocsin_message *msg, CURL *easy,
			struct tocsin_request *out)
{
	const struct lent_configs *configs = msg->configs;
	const struct tocsin_pair names[] = { { "mine", "<m>" } };
	const struct tocsin_render what = { .size = sizeof(what),
					    .escape = TOCSIN_ESCAPE_HTML,
					    .text = configs->text,
					    .extra = { names, 1 } };

	(void)channel, (void)easy;
	out->url = msg->target;
	render_rc = host->render(host->core, msg, &what, &out->body);
	signature_len = host->sign(host->core, msg, out->body, kinds, signature, signature_room);
	return render_rc;
}

static void lent_classify(void *channel, void *attempt, CURL *easy,
			  const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	(void)channel, (void)attempt, (void)easy, (void)out;
	v->kind = TOCSIN_RETRY;
}

static unsigned released;

static void lent_release(void *channel, void *attempt)
{
	(void)channel, (void)attempt;
	released++;
}

static char lent_name[] = "lent";
static const struct channel lent = {
	.name = lent_name,
	.plugin = { .vtable = { .name = "lent",
				.schemes = "http,https",
				.fields = lent_fields,
				.configs_bytes = sizeof(struct lent_configs),
				.prepare = lent_prepare,
				.classify = lent_classify,
				.release = lent_release } }
};

static struct conf conf = { .delivery = { .timeout_ms = 1000, .excerpt_bytes = 64 } };
static struct transfer_rules rules = { .conf = &conf };
static struct event *event;

static int setup(void **state)
{
	static const unsigned char key[PUBID_KEY_BYTES] = { 1 };

	(void)state;
	curl_global_init(CURL_GLOBAL_ALL);
	host = engine_host(&conf);
	rules.ids = pubid_create(key);
	event = event_create(&(struct event){ .id = 1 << 20,
					      .organization = 1,
					      .type = span_of("a.b"),
					      .data = span_of("{\"x\":\"<&>\"}") });
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	event_drop(event);
	pubid_destroy((struct pubid *)(uintptr_t)rules.ids);
	curl_global_cleanup();
	return 0;
}

static struct entry *entry_make(const char *text)
{
	struct entry *entry = xcalloc(1, sizeof(*entry));
	char *configs = xformat("{\"url\":\"https://receiver.example/\",\"text\":\"%s\"}", text);
	struct why why = { "" };

	entry->refs = 1;
	entry->webhook.name = xstrdup("n");
	entry->webhook.channels = xcalloc(1, sizeof(*entry->webhook.channels));
	entry->webhook.channel_count = 1;
	entry->webhook.secret_count = 1;
	entry->webhook.secrets[0].len = 24;
	entry->compiled = xcalloc(1, sizeof(struct compiled_configs *));
	entry->compiled[0] = configs_compile(&lent, configs, &why);
	if (entry->compiled[0] == NULL)
		fail_msg("%s", why.text);
	free(configs);
	return entry;
}

/* --- Tests ---------------------------------------------------------------------------------- */

static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(host->abi, TOCSIN_CHANNEL_ABI);
	assert_int_equal(host->size, sizeof(struct tocsin_host));
	assert_memory_equal(host->user_agent, "Tocsin/", 7);
}

static void test_format_time(void **state)
{
	static const struct {
		int64_t ms;
		uint32_t form;
		size_t room;
		const char *want;
	} cases[] = {
		{ 1795498059123, TOCSIN_TIME_ISO, 40, "2026-11-24T05:27:39.123Z" },
		{ 1795498059123, TOCSIN_TIME_MAIL, 40, "Tue, 24 Nov 2026 05:27:39 +0000" },
		{ 1795498059123, TOCSIN_TIME_PEOPLE, 40, "24 Nov 2026, 05:27:39 UTC" },
		{ 0, TOCSIN_TIME_MAIL, 40, "Thu, 01 Jan 1970 00:00:00 +0000" },
		{ 1709164800000, TOCSIN_TIME_PEOPLE, 40, "29 Feb 2024, 00:00:00 UTC" },
		/* A form of a later ABI, and a moment before there were any. */
		{ -5, 99, 40, "1970-01-01T00:00:00.000Z" },
		{ 1795498059123, TOCSIN_TIME_ISO, 5, "2026" },
	};
	char out[40];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		host->format_time(host->core, cases[i].ms, cases[i].form, out, cases[i].room);
		assert_string_equal(out, cases[i].want);
	}
}

static void test_hmac(void **state)
{
	/* RFC 4231, test case 2. */
	static const unsigned char want[] = { 0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e };
	unsigned char out[32];

	(void)state;
	host->hmac(host->core, (struct tocsin_span){ "Jefe", 4 },
		   (struct tocsin_span){ "what do ya want for nothing?", 28 }, out);
	assert_memory_equal(out, want, sizeof(want));
	host->wipe(host->core, out, sizeof(out));
	for (size_t i = 0; i < sizeof(out); i++)
		assert_int_equal(out[i], 0);
}

static void test_compile(void **state)
{
	char err[160] = "";

	(void)state;
	assert_non_null(host->compile(host->core, "{{event_type}}", err, sizeof(err)));
	assert_null(host->compile(host->core, "a\n{{#x}}", err, sizeof(err)));
	assert_non_null(strstr(err, "line 2, column 1"));
}

/* What a rehearsal shows is what prepare() described; release() is called once. */
static void test_rehearsal(void **state)
{
	struct entry *entry = entry_make("{{data.x}} {{mine}} {event_type}");
	struct rehearsal r;

	(void)state;
	kinds = TOCSIN_SIGN_V1 | TOCSIN_SIGN_V1A;
	signature_room = sizeof(signature);
	released = 0;
	rehearsal_make(&rules, entry, 0, 0, event, &r);
	assert_int_equal(r.rc, ERR_OK);
	assert_false(r.is_silent);
	assert_string_equal(r.transfer->request.body.ptr, "&lt;&amp;&gt; &lt;m&gt; a.b");
	assert_string_equal(r.transfer->place.host, "receiver.example");
	assert_memory_equal(signature, "v1,", 3);
	assert_non_null(strstr(signature, " v1a,"));
	assert_int_equal(strlen(signature), signature_len);
	rehearsal_finish(&r);
	assert_int_equal(released, 1);
	/* Too little room for a signature: nothing rather than half of one. */
	signature_room = 20;
	rehearsal_make(&rules, entry, 0, 0, event, &r);
	assert_int_equal(signature_len, 0);
	rehearsal_finish(&r);
	entry_drop(entry);
}

/* Without a template there is nothing to render, and nothing to release. */
static void test_no_template(void **state)
{
	struct entry *entry = entry_make("x");
	struct lent_configs *configs = entry->compiled[0]->values;
	const struct tocsin_template *kept = configs->text;
	struct rehearsal r;

	(void)state;
	configs->text = NULL;
	released = 0;
	rehearsal_make(&rules, entry, 0, 0, event, &r);
	assert_int_equal(render_rc, TOCSIN_BAD_MESSAGE);
	assert_int_equal(r.rc, ERR_BAD_REQUEST);
	rehearsal_finish(&r);
	assert_int_equal(released, 0);
	configs->text = kept;
	entry_drop(entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),   cmocka_unit_test(test_format_time),
		cmocka_unit_test(test_hmac),      cmocka_unit_test(test_compile),
		cmocka_unit_test(test_rehearsal), cmocka_unit_test(test_no_template),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
