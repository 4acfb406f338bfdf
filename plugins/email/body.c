/* body.c - from the webhook's templates to the parts of a mail, by content_type.
 * Not here: how the parts are put together (mail.c). Any thread.
 * SPDX-License-Identifier: MIT */
#include "email/body.h"

#include <string.h>

#include "email/document.h"
#include "email/markdown.h"
#include "email/plain.h"
#include "email/summary.h"

/* What every writer of parts is given. */
struct job {
	const struct tocsin_host *host;
	const struct tocsin_message *msg;
	struct body *out;
};

static struct tocsin_span span_of(const struct text *t)
{
	return (struct tocsin_span){ t->ptr, t->len };
}

static int render(const struct job *job, const struct tocsin_template *template, uint32_t escape,
		  struct tocsin_span *out)
{
	return job->host->render(job->host->core, job->msg,
				 &(struct tocsin_render){ .size = sizeof(struct tocsin_render),
							  .escape = escape,
							  .text = template },
				 out);
}

static int is_blank(struct tocsin_span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != ' ')
			return 0;
	}
	return 1;
}

/* A mail without a subject is a mail in the spam folder. */
static int subject_make(const struct job *job, const struct tocsin_template *template)
{
	struct tocsin_span text = { NULL, 0 };

	if (template != NULL) {
		const int rc = render(job, template, TOCSIN_ESCAPE_HEADER, &text);

		if (rc != TOCSIN_OK)
			return rc;
	}
	if (is_blank(text))
		summary_subject(job->msg, &job->out->subject);
	else
		text_bytes(&job->out->subject, text.ptr, text.len);
	return TOCSIN_OK;
}

/* One maker for each content_type; template is never NULL. */

static int plain_text_make(const struct job *job, const struct tocsin_template *template)
{
	struct tocsin_span text = { NULL, 0 };
	const int rc = render(job, template, TOCSIN_ESCAPE_NONE, &text);

	if (rc == TOCSIN_OK)
		text_bytes(&job->out->text, text.ptr, text.len);
	return rc;
}

static int html_make(const struct job *job, const struct tocsin_template *template)
{
	struct tocsin_span html = { NULL, 0 };
	const int rc = render(job, template, TOCSIN_ESCAPE_HTML, &html);

	if (rc != TOCSIN_OK)
		return rc;
	summary_page(html, &job->out->html);
	plain_append(span_of(&job->out->html), &job->out->text);
	return TOCSIN_OK;
}

static int markdown_make(const struct job *job, const struct tocsin_template *template)
{
	struct tocsin_span source = { NULL, 0 };
	struct text html = { 0 };
	const int rc = render(job, template, TOCSIN_ESCAPE_MARKDOWN, &source);

	if (rc != TOCSIN_OK)
		return rc;
	markdown_append(source, &html);
	summary_page(span_of(&html), &job->out->html);
	plain_append(span_of(&html), &job->out->text);
	job->out->html.failed |= html.failed;
	text_finish(&html);
	return TOCSIN_OK;
}

/* The event laid out; envelopes are valid JSON. */
static void event_print(const struct job *job, struct text *out)
{
	document_print(job->msg->envelope, out);
	text_add(out, "\n");
}

/* A template that gives JSON replaces the event; one that gives words is the
 * note that the event comes with. */
static int json_make(const struct job *job, const struct tocsin_template *template)
{
	struct tocsin_span given = { NULL, 0 };
	struct text laid_out = { 0 };
	const int rc = render(job, template, TOCSIN_ESCAPE_JSON, &given);

	if (rc != TOCSIN_OK)
		return rc;
	if (document_print(given, &laid_out)) {
		text_add(&laid_out, "\n");
		text_bytes(&job->out->text, laid_out.ptr, laid_out.len);
		text_bytes(&job->out->json, laid_out.ptr, laid_out.len);
	} else {
		text_bytes(&job->out->text, given.ptr, given.len);
		event_print(job, &job->out->json);
	}
	job->out->json.failed |= laid_out.failed;
	text_finish(&laid_out);
	return TOCSIN_OK;
}

static void default_make(const struct job *job, const char *content_type)
{
	if (strcmp(content_type, "json") == 0) {
		event_print(job, &job->out->text);
		event_print(job, &job->out->json);
		return;
	}
	summary_text(job->host, job->msg, &job->out->text);
	if (strcmp(content_type, "plain_text") != 0)
		summary_html(job->host, job->msg, &job->out->html);
}

static int parts_make(const struct job *job, const struct body_wish *wish)
{
	static const struct {
		const char *content_type;
		int (*make)(const struct job *job, const struct tocsin_template *template);
	} makers[] = { { "plain_text", plain_text_make },
		       { "html", html_make },
		       { "markdown", markdown_make },
		       { "json", json_make } };

	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]) && wish->body != NULL; i++) {
		if (strcmp(makers[i].content_type, wish->content_type) == 0)
			return makers[i].make(job, wish->body);
	}
	default_make(job, wish->content_type);
	return TOCSIN_OK;
}

int body_make(const struct tocsin_host *host, const struct tocsin_message *msg,
	      const struct body_wish *wish, struct body *out)
{
	const struct job job = { .host = host, .msg = msg, .out = out };
	int rc = subject_make(&job, wish->subject);

	if (rc == TOCSIN_OK)
		rc = parts_make(&job, wish);
	if (out->subject.failed || out->text.failed || out->html.failed || out->json.failed)
		rc = TOCSIN_TRY_LATER;
	return rc;
}

void body_finish(struct body *b)
{
	text_finish(&b->subject);
	text_finish(&b->text);
	text_finish(&b->html);
	text_finish(&b->json);
}
