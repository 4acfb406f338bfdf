/* quoted.h - bodies as quoted-printable (RFC 2045, 6.7).
 * SPDX-License-Identifier: MIT
 * Any thread; pure. */
#ifndef PLUGINS_EMAIL_QUOTED_H
#define PLUGINS_EMAIL_QUOTED_H

#include "common/text.h"
#include "tocsin/channel.h"

/* Append text with CR LF line ends (LF, CR and CR LF all count as one), ending
 * with one. No line is longer than 76 bytes or begins with "." or "From ". */
void quoted_append(struct tocsin_span text, struct text *out);

#endif
