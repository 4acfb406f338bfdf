/* summary.c - the default mail, twice: as text and as HTML, from one list of rows.
 * Not here: templates (the core's render()), how JSON is laid out (document.c).
 * Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "email/summary.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/members.h"
#include "email/document.h"

enum { TIME_BYTES = 40, LABEL_BYTES = 64, LABEL_WIDTH = 12, DATA_MAX_BYTES = 64 * 1024 };
enum { VALUE_MAX_BYTES = 2000, ROWS_MAX = 200 };

static const char font[] = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
static const char label_style[] =
	"padding:4px 16px 4px 0;color:#667085;vertical-align:top;white-space:nowrap";

static const char *const envelope_rows[][2] = { { "namespace_id", "Namespace" },
						{ "subject", "Subject" },
						{ "cache_scope", "Cache scope" } };

/* How a summary is written; text and HTML differ in these only. */
struct form {
	void (*title)(struct text *out, const char *words);
	void (*heading)(struct text *out, const char *words);
	void (*rows_begin)(struct text *out);
	void (*row)(struct text *out, const char *label, const struct text *value);
	void (*rows_end)(struct text *out);
	void (*data)(struct text *out, const struct text *json);
	void (*note)(struct text *out, const char *words);
};

/* --- as text ---------------------------------------------------------------------- */

static void text_title(struct text *out, const char *words)
{
	text_format(out, "%s\n\n", words);
}

static void text_row(struct text *out, const char *label, const struct text *value)
{
	text_format(out, "%-*s  ", LABEL_WIDTH, label);
	for (size_t i = 0; i < value->len; i++) {
		text_bytes(out, value->ptr + i, 1);
		if (value->ptr[i] == '\n')
			text_format(out, "%*s", LABEL_WIDTH + 2, "");
	}
	text_add(out, "\n");
}

static void text_heading(struct text *out, const char *words)
{
	text_format(out, "\n%s\n", words);
}

static void text_rows_edge(struct text *out)
{
	(void)out;
}

static void text_data(struct text *out, const struct text *json)
{
	text_bytes(out, json->ptr, json->len);
	text_add(out, "\n");
}

static void text_note(struct text *out, const char *words)
{
	text_format(out, "\n%s\n", words);
}

static const struct form text_form = { text_title,     text_heading, text_rows_edge, text_row,
				       text_rows_edge, text_data,    text_note };

/* --- as HTML ---------------------------------------------------------------------- */

static const char *html_escape(char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	case '\0': return "\xEF\xBF\xBD";
	default: return NULL;
	}
}

static void html_append(struct text *out, const char *bytes, size_t len)
{
	size_t plain = 0; /* where what needs no escape began */

	for (size_t i = 0; i < len; i++) {
		const char *escaped = html_escape(bytes[i]);

		if (escaped == NULL)
			continue;
		text_bytes(out, bytes + plain, i - plain);
		text_add(out, escaped);
		plain = i + 1;
	}
	if (len > plain)
		text_bytes(out, bytes + plain, len - plain);
}

static void html_title(struct text *out, const char *words)
{
	text_add(out, "<h2 style=\"margin:0 0 12px;font-size:18px\">");
	html_append(out, words, strlen(words));
	text_add(out, "</h2>\n");
}

static void html_heading(struct text *out, const char *words)
{
	text_format(out, "<h3 style=\"margin:20px 0 6px;font-size:14px\">%s</h3>\n", words);
}

static void html_rows_begin(struct text *out)
{
	text_add(out, "<table cellpadding=\"0\" cellspacing=\"0\" "
		      "style=\"border-collapse:collapse\">\n");
}

static void html_row(struct text *out, const char *label, const struct text *value)
{
	text_format(out, "<tr><td style=\"%s\">", label_style);
	html_append(out, label, strlen(label));
	text_add(out, "</td><td style=\"padding:4px 0;white-space:pre-wrap\">");
	html_append(out, value->ptr, value->len);
	text_add(out, "</td></tr>\n");
}

static void html_rows_end(struct text *out)
{
	text_add(out, "</table>\n");
}

static void html_data(struct text *out, const struct text *json)
{
	text_add(out, "<pre style=\"margin:0;padding:12px;background:#f2f4f7;"
		      "border-radius:6px;font-size:13px;white-space:pre-wrap\">");
	html_append(out, json->ptr, json->len);
	text_add(out, "</pre>\n");
}

static void html_note(struct text *out, const char *words)
{
	text_add(out, "<p style=\"margin:20px 0 0;color:#667085;font-size:12px\">");
	html_append(out, words, strlen(words));
	text_add(out, "</p>\n");
}

static const struct form html_form = { html_title,    html_heading, html_rows_begin, html_row,
				       html_rows_end, html_data,    html_note };

/* --- what is in it -------------------------------------------------------------------- */

/* One line's worth: what is longer is in the data or in the API. */
static void value_cut(struct text *value)
{
	const size_t most = text_cut(value->ptr == NULL ? "" : value->ptr, value->len,
				     VALUE_MAX_BYTES);

	if (most == value->len)
		return;
	value->len = most;
	text_add(value, "\xE2\x80\xA6");
}

/* A string without its quotes and escapes; anything else as it is written. */
static void value_append(struct tocsin_span json, struct text *out)
{
	if (json.ptr[0] == '"')
		text_unquote(out, json.ptr, json.len);
	else
		text_bytes(out, json.ptr, json.len);
}

static void row_add(const struct form *form, struct text *out, const char *label,
		    struct tocsin_span json)
{
	struct text value = { 0 };

	if (json.ptr == NULL || value_is(json, "null"))
		return;
	value_append(json, &value);
	value_cut(&value);
	form->row(out, label, &value);
	out->failed |= value.failed;
	text_finish(&value);
}

static void plain_row_add(const struct form *form, struct text *out, const char *label,
			  const char *words)
{
	struct text value = { 0 };

	text_add(&value, words);
	form->row(out, label, &value);
	out->failed |= value.failed;
	text_finish(&value);
}

static void metadata_add(const struct form *form, struct tocsin_span metadata, struct text *out)
{
	struct members members;
	struct member m;
	int count = 0;

	if (!members_init(&members, metadata))
		return;
	for (; count < ROWS_MAX && members_next(&members, &m); count++) {
		struct text label = { 0 };

		if (count == 0) {
			form->heading(out, "Metadata");
			form->rows_begin(out);
		}
		value_append(m.name, &label);
		if (label.len > LABEL_BYTES)
			label.ptr[text_cut(label.ptr, label.len, LABEL_BYTES)] = '\0';
		row_add(form, out, label.ptr == NULL ? "" : label.ptr, m.value);
		text_finish(&label);
	}
	if (count > 0)
		form->rows_end(out);
}

static void data_add(const struct form *form, struct tocsin_span data, struct text *out)
{
	struct text json = { 0 };

	if (data.ptr == NULL || value_is(data, "null") || !document_print(data, &json)) {
		text_finish(&json);
		return;
	}
	const size_t most = text_cut(json.ptr, json.len, DATA_MAX_BYTES);

	if (most < json.len) {
		json.len = most;
		text_add(&json, "\xE2\x80\xA6\n(cut: the whole event is in the API)");
	}
	form->heading(out, "Data");
	form->data(out, &json);
	out->failed |= json.failed;
	text_finish(&json);
}

static void summary_append(const struct form *form, const struct tocsin_host *host,
			   const struct tocsin_message *msg, struct text *out)
{
	char when[TIME_BYTES];

	host->format_time(host->core, msg->occurred_at_ms, TOCSIN_TIME_PEOPLE, when, sizeof(when));
	form->title(out, msg->event_type);
	form->rows_begin(out);
	plain_row_add(form, out, "Time", when);
	plain_row_add(form, out, "Webhook", msg->webhook_name);
	plain_row_add(form, out, "Event", msg->event_id);
	for (size_t i = 0; i < sizeof(envelope_rows) / sizeof(envelope_rows[0]); i++)
		row_add(form, out, envelope_rows[i][1],
			members_find(msg->envelope, envelope_rows[i][0]));
	form->rows_end(out);
	metadata_add(form, members_find(msg->envelope, "metadata"), out);
	data_add(form, members_find(msg->envelope, "data"), out);
	if (msg->is_test)
		form->note(out, "This is a test: the event was published with a test key.");
}

void summary_subject(const struct tocsin_message *msg, struct text *out)
{
	text_format(out, "%s%s (%s)", msg->is_test ? "[test] " : "", msg->event_type,
		    msg->webhook_name);
}

void summary_text(const struct tocsin_host *host, const struct tocsin_message *msg,
		  struct text *out)
{
	summary_append(&text_form, host, msg, out);
}

/* --- pages ---------------------------------------------------------------------------- */

static void page_begin(struct text *out)
{
	text_format(out,
		    "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">"
		    "<meta name=\"viewport\" content=\"width=device-width\"></head>\n"
		    "<body style=\"margin:16px;%s;font-size:14px;line-height:1.5;"
		    "color:#101828\">\n",
		    font);
}

static void page_end(struct text *out)
{
	text_add(out, "</body></html>\n");
}

void summary_html(const struct tocsin_host *host, const struct tocsin_message *msg,
		  struct text *out)
{
	page_begin(out);
	summary_append(&html_form, host, msg, out);
	page_end(out);
}

static int has_word(struct tocsin_span html, const char *word)
{
	const size_t len = strlen(word);

	for (size_t i = 0; i + len <= html.len; i++) {
		if (html.ptr[i] == '<' && strncasecmp(html.ptr + i, word, len) == 0)
			return 1;
	}
	return 0;
}

static void lines_append(struct tocsin_span text, struct text *out)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\n')
			text_add(out, "<br>");
		text_bytes(out, text.ptr + i, 1);
	}
}

void summary_page(struct tocsin_span html, struct text *out)
{
	if (has_word(html, "<html")) {
		text_bytes(out, html.ptr, html.len);
		return;
	}
	page_begin(out);
	if (html.len > 0 && memchr(html.ptr, '<', html.len) == NULL)
		lines_append(html, out);
	else
		text_bytes(out, html.ptr, html.len);
	text_add(out, "\n");
	page_end(out);
}
