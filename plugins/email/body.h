/* body.h - what one mail says, by the webhook's templates or by default.
 * SPDX-License-Identifier: MIT
 * Any thread. */
#ifndef PLUGINS_EMAIL_BODY_H
#define PLUGINS_EMAIL_BODY_H

#include "common/text.h"
#include "tocsin/channel.h"

struct body {
	struct text subject, text;
	struct text html; /* empty: none */
	struct text json; /* empty: none; to be attached */
};

/* What the webhook wants. */
struct body_wish {
	const struct tocsin_template *subject, *body; /* NULL: ours */
	const char *content_type;                     /* plain_text, html, markdown, json */
};

/* Fill *out, which is zeroed. Returns TOCSIN_OK, TOCSIN_BAD_MESSAGE (a template's
 * result is too large) or TOCSIN_TRY_LATER. Owner: the caller, body_finish(), in
 * any case. */
int body_make(const struct tocsin_host *host, const struct tocsin_message *msg,
	      const struct body_wish *wish, struct body *out);
void body_finish(struct body *b);

#endif
