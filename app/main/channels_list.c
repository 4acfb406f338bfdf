/* channels_list.c - `tocsin channels`: what is declared, and what it takes.
 * Not here: reading the configuration (check.c). No value of a setting is shown,
 * only what the tables say.
 * Main thread.
 * SPDX-License-Identifier: MIT */
#include "main/channels_list.h"

#include "conf/value_words.h"

enum { WORDS_MAX_BYTES = 4000 };

struct flag_words {
	uint32_t flag;
	const char *words;
};

static void flags_print(FILE *out, const struct tocsin_field *row)
{
	static const struct flag_words words[] = {
		{ TOCSIN_REQUIRED, "required" },
		{ TOCSIN_IS_TARGET, "target" },
		{ TOCSIN_SECRET, "secret" },
		{ TOCSIN_IS_TIMEOUT, "the attempt's timeout" },
		{ TOCSIN_IS_HEADERS, "HTTP headers" },
		{ TOCSIN_IS_TARGET_RATE, "messages a second to one target" },
		{ TOCSIN_IS_CHANNEL_RATE, "messages a second in all" },
	};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if ((row->flags & words[i].flag) != 0)
			fprintf(out, ", %s", words[i].words);
	}
	if (row->group != NULL)
		fprintf(out, ", with those of \"%s\"", row->group);
	if (row->alias != NULL)
		fprintf(out, ", also spelled %s", row->alias);
}

/* Of a list also what its elements are; a JSON template is said to be of which form. */
static void kind_describe(const struct tocsin_field *row, struct buf *out)
{
	if (row->kind == TOCSIN_LIST) {
		const struct tocsin_field element = { .kind = row->item };

		buf_text(out, "list, each a ");
		value_kind_describe(out, &element);
		return;
	}
	value_kind_describe(out, row);
	if (row->kind == TOCSIN_JSON_TEMPLATE)
		buf_text(out, row->item == TOCSIN_LIST ? " (array or object)" : " (object)");
}

static void row_print(FILE *out, const struct tocsin_field *row)
{
	struct buf words;

	buf_init(&words, WORDS_MAX_BYTES);
	kind_describe(row, &words);
	if (value_has_range(row)) {
		buf_text(&words, ", ");
		value_range_describe(&words, row);
	}
	fprintf(out, "    %s  %s", row->key, words.ptr == NULL ? "" : words.ptr);
	buf_finish(&words);
	flags_print(out, row);
	/* A secret's default is the plugin's business, not a reader's. */
	if (row->dflt != NULL && (row->flags & TOCSIN_SECRET) == 0)
		fprintf(out, ", default %s", row->dflt[0] == '\0' ? "\"\"" : row->dflt);
	fprintf(out, "\n        %s\n", row->help);
}

static void table_print(FILE *out, const char *title, const struct tocsin_field *table)
{
	fprintf(out, "  %s%s\n", title, table == NULL || table->key == NULL ? ": none" : "");
	for (const struct tocsin_field *row = table; row != NULL && row->key != NULL; row++)
		row_print(out, row);
}

static void channel_print(FILE *out, const struct channel *c)
{
	const struct tocsin_channel *v = &c->plugin.vtable;

	fprintf(out, "%s\t%s %s\t%s\n", c->name, v->name, v->version == NULL ? "-" : v->version,
		c->plugin.path);
	fprintf(out, "  ABI %u, %s lane, ", (unsigned)v->abi,
		c->lane == LANE_SLOW ? "slow" : "fast");
	if (v->deliver != NULL)
		fputs("sends by itself", out);
	else
		fprintf(out, "schemes %s", v->schemes);
	fputc('\n', out);
	table_print(out, "settings, in tocsin.conf", v->settings);
	table_print(out, "fields, in a webhook's configs", v->fields);
}

void channels_list_print(FILE *out, const struct channels *channels)
{
	for (size_t i = 0; i < channels->count; i++) {
		if (i > 0)
			fputc('\n', out);
		channel_print(out, &channels->items[i]);
	}
}
