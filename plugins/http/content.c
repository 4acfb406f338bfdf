/* content.c - envelope, template or CloudEvent; as it is or as gzip.
 * Not here: a CloudEvent's attributes (cloudevent.c), headers (headers.c).
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "http/content.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/members.h"
#include "http/cloudevent.h"
#include "http/compression.h"

static int template_fill(const struct http *http, const struct tocsin_message *msg,
			 struct tocsin_span *payload, struct tocsin_request *out)
{
	const struct http_configs *configs = msg->configs;
	const struct tocsin_render what = { .size = sizeof(what),
					    .text = configs->payload_template };
	const int rc = http->host->render(http->host->core, msg, &what, payload);

	if (rc == TOCSIN_BAD_MESSAGE)
		snprintf(out->reason, sizeof(out->reason),
			 "payload_template gives too much for this event");
	return rc;
}

/* The event's data, or what the template makes of it. */
static int data_find(const struct http *http, const struct tocsin_message *msg,
		     struct tocsin_span *data, struct tocsin_request *out)
{
	const struct http_configs *configs = msg->configs;

	if (configs->payload_template != NULL)
		return template_fill(http, msg, data, out);
	*data = members_find(msg->envelope, "data");
	return TOCSIN_OK;
}

static int structured_write(const struct http *http, const struct tocsin_message *msg,
			    struct content *content)
{
	struct text text = { 0 };
	size_t len;

	cloudevent_write(http, msg, content->plain, &text);
	len = text.len;
	content->written = text_take(&text);
	content->plain = (struct tocsin_span){ content->written, len };
	return content->written == NULL ? TOCSIN_TRY_LATER : TOCSIN_OK;
}

static int plain_make(const struct http *http, const struct tocsin_message *msg,
		      struct content *content, struct tocsin_request *out)
{
	const struct http_configs *configs = msg->configs;

	if (choice_is(configs->format, "cloudevents_structured"))
		content->form = CONTENT_STRUCTURED;
	else if (choice_is(configs->format, "cloudevents_binary"))
		content->form = CONTENT_BINARY;
	if (content->form == CONTENT_ENVELOPE) {
		content->plain = msg->envelope;
		return configs->payload_template == NULL
			       ? TOCSIN_OK
			       : template_fill(http, msg, &content->plain, out);
	}
	int rc = data_find(http, msg, &content->plain, out);

	if (rc == TOCSIN_OK && content->form == CONTENT_STRUCTURED)
		rc = structured_write(http, msg, content);
	return rc;
}

int content_make(const struct http *http, const struct tocsin_message *msg, struct content *content,
		 struct tocsin_request *out)
{
	const struct http_configs *configs = msg->configs;
	struct tocsin_span packed = { NULL, 0 };

	*content = (struct content){ .form = CONTENT_ENVELOPE };
	int rc = plain_make(http, msg, content, out);

	if (rc == TOCSIN_OK && choice_is(configs->gzip, "large"))
		rc = compression_make(content->plain, &packed);
	content->packed = (char *)packed.ptr;
	content->wire = packed.ptr == NULL ? content->plain : packed;
	return rc;
}

void content_finish(struct content *content)
{
	if (content == NULL)
		return;
	free(content->written);
	free(content->packed);
	*content = (struct content){ .form = CONTENT_ENVELOPE };
}
