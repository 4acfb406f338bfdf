/* contact.h - mail addresses and telephone numbers: refused or normalised.
 * SPDX-License-Identifier: MIT
 * What passes can be put into an SMTP command or a form as it is. */
#ifndef TOCSIN_BASE_CONTACT_H
#define TOCSIN_BASE_CONTACT_H

#include "base/err.h"
#include "base/span.h"

enum { EMAIL_TEXT_BYTES = 254 + 1, PHONE_TEXT_BYTES = 1 + 15 + 1 };

/* A dot-atom local part and a domain of ASCII names, written in lower case; no
 * quoted local parts, address literals, display names, blanks or controls.
 * Returns ERR_BAD_REQUEST with why, out untouched. Thread: any. */
MUST_CHECK enum err contact_email_parse(struct span text, char out[EMAIL_TEXT_BYTES],
					struct why *why);

/* E.164 with '+'; blanks, dashes and brackets in it are dropped. */
MUST_CHECK enum err contact_phone_parse(struct span text, char out[PHONE_TEXT_BYTES],
					struct why *why);

#endif
