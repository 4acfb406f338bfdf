/* character.h - one character by its number.
 * SPDX-License-Identifier: MIT
 * Any thread; pure. */
#ifndef PLUGINS_EMAIL_CHARACTER_H
#define PLUGINS_EMAIL_CHARACTER_H

#include "common/text.h"

/* Append it as UTF-8; what is no character becomes U+FFFD. */
void character_append(struct text *out, unsigned long number);

#endif
