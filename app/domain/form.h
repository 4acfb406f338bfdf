/* form.h - a webhook as a client sends it, read over the one that is stored.
 * SPDX-License-Identifier: MIT
 * Checks every member of the body and reports all faults at once. Pure but for
 * the random id and secret of a new webhook. Any thread. */
#ifndef TOCSIN_DOMAIN_FORM_H
#define TOCSIN_DOMAIN_FORM_H

#include <json-c/json.h>

#include "channel/channels.h"
#include "conf/conf.h"
#include "model/faults.h"
#include "model/webhook.h"

enum form_kind { FORM_CREATE = 1, FORM_PUT, FORM_PATCH };

struct form {
	const struct conf *conf;
	const struct channels *channels;
	enum form_kind kind;
	struct faults *faults;
	const char *also;     /* one more member, read elsewhere; NULL: none */
	bool active_is_given; /* out: is_active was sent as true or false */
};

/* Read body into *w, which is a zeroed one (FORM_CREATE) or a copy of the
 * stored one. Channels that pair with a stored one keep its id, its targets'
 * ids and, unless their configs changed, its status.
 * Returns ERR_OK, or ERR_BAD_REQUEST with faults: then *w is half changed and
 * good only for webhook_finish(). */
MUST_CHECK enum err form_read(struct form *f, struct span body, struct webhook *w);

/* Parts, shared by form.c and form_channels.c. */
struct form_text {
	size_t min, max; /* characters */
	bool has_lines;  /* line feeds and tabs are fine */
};
/* An owned copy of the text, or NULL with a fault. */
char *form_text_read(struct form *f, struct json_object *value, const struct form_text *rule,
		     const struct loc *loc);
/* Add a fault for each member of object that names (ends with NULL) lacks. */
void form_members_check(struct form *f, struct json_object *object, const char *const *known,
			const struct loc *loc);
/* The `channels` member. */
void form_channels_read(struct form *f, struct json_object *list, struct webhook *w);

#endif
