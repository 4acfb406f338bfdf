/* summary.h - the subject and body of a webhook that gives no templates.
 * SPDX-License-Identifier: MIT
 * Any thread; pure. */
#ifndef PLUGINS_EMAIL_SUMMARY_H
#define PLUGINS_EMAIL_SUMMARY_H

#include "common/text.h"
#include "tocsin/channel.h"

/* "object.created (Production alerts)". */
void summary_subject(const struct tocsin_message *msg, struct text *out);

/* The event for people: what, when, for which webhook, about what; metadata line
 * by line; data laid out, cut at 64 KB. As text with LF line ends, or as a whole
 * page of HTML. */
void summary_text(const struct tocsin_host *host, const struct tocsin_message *msg,
		  struct text *out);
void summary_html(const struct tocsin_host *host, const struct tocsin_message *msg,
		  struct text *out);

/* The frame of our pages around some HTML; what is a page already stays as it
 * is, and what has no tag at all keeps its lines. */
void summary_page(struct tocsin_span html, struct text *out);

#endif
