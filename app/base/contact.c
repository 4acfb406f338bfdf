/* contact.c - the rules for mail addresses (RFC 5321) and numbers (E.164).
 * Not here: URLs (base/url).
 * Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "base/contact.h"

#include <stdbool.h>

enum { LOCAL_MAX_BYTES = 64, LABEL_MAX_BYTES = 63, PHONE_DIGITS_MAX = 15 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_atom_byte(char c)
{
	return is_letter(c) || is_digit(c) || (c != '\0' && strchr("!#$%&'*+/=?^_{}~-|`", c));
}

static bool local_is_valid(struct span local)
{
	if (local.len == 0 || local.len > LOCAL_MAX_BYTES)
		return false;
	for (size_t i = 0; i < local.len; i++) {
		const bool at_edge = i == 0 || i + 1 == local.len;

		if (local.ptr[i] == '.' && !at_edge && local.ptr[i - 1] != '.')
			continue;
		if (!is_atom_byte(local.ptr[i]))
			return false;
	}
	return true;
}

static bool label_is_valid(const char *label, size_t len)
{
	if (len == 0 || len > LABEL_MAX_BYTES || label[0] == '-' || label[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_letter(label[i]) && !is_digit(label[i]) && label[i] != '-')
			return false;
	}
	return true;
}

static bool domain_is_valid(struct span domain)
{
	size_t start = 0;

	for (size_t i = 0; i <= domain.len; i++) {
		if (i < domain.len && domain.ptr[i] != '.')
			continue;
		if (!label_is_valid(domain.ptr + start, i - start))
			return false;
		start = i + 1;
	}
	return true;
}

enum err contact_email_parse(struct span text, char out[EMAIL_TEXT_BYTES], struct why *why)
{
	const char *at = text.len == 0 ? NULL : memchr(text.ptr, '@', text.len);

	if (at == NULL) {
		why_set(why, "is no mail address: it has no @");
		return ERR_BAD_REQUEST;
	}
	if (text.len >= EMAIL_TEXT_BYTES) {
		why_set(why, "is longer than a mail address may be (254 bytes)");
		return ERR_BAD_REQUEST;
	}
	const struct span local = { text.ptr, (size_t)(at - text.ptr) };
	const struct span domain = { at + 1, text.len - local.len - 1 };

	if (!local_is_valid(local)) {
		why_set(why, "has an invalid part before the @: up to 64 of the letters, digits "
			     "and !#$%%&'*+/=?^_{}~-|` with single dots between them");
		return ERR_BAD_REQUEST;
	}
	if (!domain_is_valid(domain)) {
		why_set(why, "has an invalid domain after the @: names of ASCII letters, digits "
			     "and inner dashes with dots between them");
		return ERR_BAD_REQUEST;
	}
	memcpy(out, text.ptr, text.len);
	out[text.len] = '\0';
	for (char *c = out + local.len + 1; *c != '\0'; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	return ERR_OK;
}

enum err contact_phone_parse(struct span text, char out[PHONE_TEXT_BYTES], struct why *why)
{
	char number[PHONE_TEXT_BYTES];
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		const char c = text.ptr[i];

		if (c != '\0' && strchr(" -()[]", c) != NULL)
			continue;
		if ((len == 0 && c != '+') || (len == 1 && c == '0') || (len > 0 && !is_digit(c)) ||
		    len > PHONE_DIGITS_MAX) {
			len = 0;
			break;
		}
		number[len++] = c;
	}
	if (len < 3) {
		why_set(why, "is no telephone number in E.164 form: + and 2 to 15 digits, "
			     "the first of them not 0");
		return ERR_BAD_REQUEST;
	}
	memcpy(out, number, len);
	out[len] = '\0';
	return ERR_OK;
}
