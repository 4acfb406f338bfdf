/* markdown.h - CommonMark to HTML that is fit for a mail.
 * SPDX-License-Identifier: MIT
 * Raw HTML is left out; links and images lead to http, https or mailto or
 * nowhere. Any thread. */
#ifndef PLUGINS_EMAIL_MARKDOWN_H
#define PLUGINS_EMAIL_MARKDOWN_H

#include "common/text.h"
#include "tocsin/channel.h"

/* Append the HTML of source, a fragment without <html>. */
void markdown_append(struct tocsin_span source, struct text *out);

#endif
