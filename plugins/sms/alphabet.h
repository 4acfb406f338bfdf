/* alphabet.h - the GSM 7-bit default alphabet (3GPP TS 23.038) and what stands
 * in for characters outside it.
 * SPDX-License-Identifier: MIT
 * Pure; any thread. */
#ifndef PLUGINS_SMS_ALPHABET_H
#define PLUGINS_SMS_ALPHABET_H

#include <stdint.h>

/* Septets that a character takes: 1, 2 in the extension table, 0 when it is in
 * neither table. */
unsigned alphabet_septets(uint32_t character);

/* Text of the alphabet that reads like the character ("-" for a dash); NULL when
 * there is none. Typography only: letters are never changed. */
const char *alphabet_equivalent(uint32_t character);

#endif
