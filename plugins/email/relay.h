/* relay.h - the keys of an email channel in tocsin.conf, and what they make.
 * SPDX-License-Identifier: MIT
 * Read-only after relay_open(); any thread. */
#ifndef PLUGINS_EMAIL_RELAY_H
#define PLUGINS_EMAIL_RELAY_H

#include "tocsin/channel.h"

struct email_settings {
	const char *relay; /* smtp://host:587 or smtps://host:465 */
	const char *starttls;
	const char *username, *password, *auth; /* the first two NULL: no login */
	const char *helo, *ca_file;             /* NULL: the machine's name; the system's CAs */
	const char *from, *from_name, *reply_to, *message_id_domain, *list_unsubscribe;
	int64_t timeout_ms;
};

extern const struct tocsin_field email_settings[];

/* What each transfer to the relay needs; texts are the settings'. */
struct relay {
	char *url;           /* owned; with the EHLO name as its path */
	long use_ssl;        /* CURLUSESSL_… */
	char *login_options; /* owned; NULL without a login */
	const struct email_settings *settings;
};

/* Check the settings together. Returns TOCSIN_OK, TOCSIN_BAD_CONFIG or
 * TOCSIN_TRY_LATER with why in err. Owner: relay_finish(), in any case. */
int relay_open(struct relay *relay, const struct email_settings *settings, char *err,
	       size_t err_bytes);
void relay_finish(struct relay *relay);

/* The Message-ID's domain: the setting, or from's. */
const char *relay_id_domain(const struct email_settings *settings);

/* Set on easy what struct tocsin_request has no member for. */
void relay_options_set(const struct relay *relay, CURL *easy);

#endif
