/* plain.h - HTML as the plain text that stands beside it in a mail.
 * SPDX-License-Identifier: MIT
 * For reading, not for safety: tags go, the addresses of links stay. Any thread;
 * pure. */
#ifndef PLUGINS_EMAIL_PLAIN_H
#define PLUGINS_EMAIL_PLAIN_H

#include "common/text.h"
#include "tocsin/channel.h"

/* Append html as text with LF line ends. Takes any bytes; time grows with their
 * number only. */
void plain_append(struct tocsin_span html, struct text *out);

#endif
