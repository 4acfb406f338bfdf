/* template.c - what rendering one template over one event costs.
 * A template of 512 bytes with a dozen tags, an event of about 500 bytes; the
 * median of some rounds, as JSON and as HTML, a JSON template, and compiling.
 * SPDX-License-Identifier: MIT */
#include "template/template.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "tally.h"

enum { ROUNDS = 9, RENDERS = 20000, COMPILES = 2000, SOURCE_BYTES = 512, OUT_BYTES = 64 * 1024 };

static const char event[] =
	"{\"event_id\":\"evt_0123456789abcdefghjkmnpq\",\"event_type\":\"order.shipped\","
	"\"occurred_at\":\"2026-11-24T05:27:39.123Z\","
	"\"webhook_id\":\"wh_0123456789abcdefghjkmnpq\","
	"\"webhook_name\":\"Orders to the warehouse\",\"subject\":\"order 4711 <express>\","
	"\"metadata\":{\"tenant\":\"acme & sons\",\"region\":\"eu-west\"},"
	"\"data\":{\"order\":{\"id\":4711,\"total\":129.90,\"currency\":\"EUR\",\"gift\":false,"
	"\"customer\":{\"name\":\"J\xC3\xBCrgen \\\"JJ\\\" Example\",\"email\":\"jj@example.com\"},"
	"\"items\":[{\"sku\":\"A-100\",\"count\":2},{\"sku\":\"B-7\",\"count\":1}]}}}";

static const char head[] =
	"Order {{data.order.id}} of {{data.order.customer.name}} "
	"({{data.order.customer.email}}) has left the warehouse.\n"
	"Event {event_type}, {event_id}, at {{occurred_at}}.\n"
	"{{#data.order.items}}\n"
	"  - {{count}} x {{sku}}\n"
	"{{/data.order.items}}\n"
	"{{^data.order.gift}}\n"
	"The total is {{data.order.total}} {{data.order.currency}}.\n"
	"{{/data.order.gift}}\n"
	"Subject: {{subject}}; tenant {{metadata.tenant}}; sent by {{webhook_name}}.\n";

static const char json_source[] =
	"{\"text\":\"{event_type}: order {{data.order.id}}\",\"order\":\"{{data.order}}\","
	"\"blocks\":[{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":"
	"\"*{{data.order.customer.name}}* {{#data.order.items}}{{count}} x {{sku}}, "
	"{{/data.order.items}}\"}},{\"type\":\"context\",\"total\":\"{{data.order.total}}\","
	"\"at\":\"{{occurred_at}}\",\"from\":\"{{metadata.tenant}}, {{metadata.region}}\"}]}";

static void must(enum err rc, const char *what)
{
	if (rc == ERR_OK)
		return;
	fprintf(stderr, "template: %s: %s\n", what, err_text(rc));
	exit(1);
}

static int int64_order(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t median(int64_t *v)
{
	qsort(v, ROUNDS, sizeof(*v), int64_order);
	return v[ROUNDS / 2];
}

static int64_t render_ns(const struct template *t, enum tocsin_escape escape)
{
	const struct template_input in = { .event = { event, sizeof(event) - 1 },
					   .escape = escape };
	int64_t rounds[ROUNDS];
	struct buf out;

	buf_init(&out, OUT_BYTES);
	for (int round = 0; round < ROUNDS; round++) {
		const int64_t start = tally_cpu_us();

		for (int i = 0; i < RENDERS; i++) {
			buf_clear(&out);
			must(template_render(t, &in, &out), "render");
		}
		rounds[round] = (tally_cpu_us() - start) * 1000 / RENDERS;
	}
	buf_finish(&out);
	return median(rounds);
}

static struct template *compile(struct span source, int64_t *out_ns)
{
	struct template *t = NULL;
	struct template_fault fault;
	int64_t rounds[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		const int64_t start = tally_cpu_us();

		for (int i = 0; i < COMPILES; i++) {
			template_destroy(t);
			must(template_compile(source, &t, &fault), "compile");
		}
		rounds[round] = (tally_cpu_us() - start) * 1000 / COMPILES;
	}
	*out_ns = median(rounds);
	return t;
}

int main(void)
{
	char source[SOURCE_BYTES];
	struct template *json = NULL;
	struct template_fault fault;
	int64_t compile_ns;

	/* Text up to the size that the bar is set for. */
	memset(source, '.', sizeof(source));
	memcpy(source, head, sizeof(head) - 1);

	struct template *t = compile((struct span){ source, sizeof(source) }, &compile_ns);

	must(template_compile_json(span_of(json_source), &json, &fault), "compile JSON");

	const int64_t json_ns = render_ns(t, TOCSIN_ESCAPE_JSON);
	const int64_t html_ns = render_ns(t, TOCSIN_ESCAPE_HTML);
	const int64_t document_ns = render_ns(json, TOCSIN_ESCAPE_SLACK);

	printf("{\"json_ns\":%" PRId64 ",\"html_ns\":%" PRId64 ",\"document_ns\":%" PRId64
	       ",\"compile_ns\":%" PRId64 "}\n",
	       json_ns, html_ns, document_ns, compile_ns);
	template_destroy(t);
	template_destroy(json);
	return 0;
}
