/* mail.h - one mail, whole: head, parts, CR LF line ends.
 * SPDX-License-Identifier: MIT
 * The same input gives the same bytes: nothing depends on the moment, the
 * attempt or chance. Any thread; pure. */
#ifndef PLUGINS_EMAIL_MAIL_H
#define PLUGINS_EMAIL_MAIL_H

#include "common/text.h"
#include "tocsin/channel.h"

/* All borrowed. Texts are UTF-8 with any line ends. */
struct mail {
	const char *from, *from_name; /* from_name, reply_to, list_unsubscribe: NULL: none */
	const char *reply_to;
	const char *list_unsubscribe; /* an https URL or mailto: */
	const char *id_domain;        /* of the Message-ID */
	const char *message_id;       /* of the event */
	const char *webhook_id;
	const char *date; /* as RFC 5322 has it */
	struct tocsin_list to, cc;
	struct tocsin_span subject;
	struct tocsin_span text; /* always there */
	struct tocsin_span html; /* ptr NULL: none; else the better alternative to text */
	struct tocsin_span json; /* ptr NULL: none; else attached */
};

/* Append the mail. out->failed tells when memory ran out.
 * Note  Message-ID is made of the ids and of a digest of all the rest: the same
 *       for all recipients and attempts, another one for another text. */
void mail_build(const struct mail *m, const struct tocsin_host *host, struct text *out);

/* Append it for people, decoded: who, the subject, the text, the HTML. LF lines. */
void mail_show(const struct mail *m, struct text *out);

#endif
