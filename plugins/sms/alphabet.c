/* alphabet.c - which characters the GSM 7-bit alphabet has.
 * Not here: counting and cutting texts (wording.c). Pure; any thread.
 * SPDX-License-Identifier: MIT */
#include "sms/alphabet.h"

#include <stddef.h>
#include <uchar.h>

/* In the order of their codes; 0x1B, the escape, has no character. */
static const char32_t basic[] = U"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
				U" !\"#¤%&'()*+,-./0123456789:;<=>?"
				U"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
				U"¿abcdefghijklmnopqrstuvwxyzäöñüà";
static const char32_t extension[] = U"\f^{}\\[~]|€";

/* Ranges of typography; a character of its own is a range of one. */
static const struct {
	uint32_t from, to;
	const char *text;
} equivalents[] = {
	{ 0x0060, 0x0060, "'" },   /* grave accent */
	{ 0x00A0, 0x00A0, " " },   /* no-break space */
	{ 0x00AB, 0x00AB, "\"" },  /* « */
	{ 0x00AD, 0x00AD, "" },    /* soft hyphen */
	{ 0x00B4, 0x00B4, "'" },   /* acute accent */
	{ 0x00BB, 0x00BB, "\"" },  /* » */
	{ 0x2000, 0x200A, " " },   /* spaces of all widths */
	{ 0x200B, 0x200B, "" },    /* zero width space */
	{ 0x2010, 0x2015, "-" },   /* hyphens and dashes */
	{ 0x2018, 0x201B, "'" },   /* single quotes */
	{ 0x201C, 0x201F, "\"" },  /* double quotes */
	{ 0x2026, 0x2026, "..." }, /* ellipsis */
	{ 0x202F, 0x202F, " " },   /* narrow no-break space */
	{ 0x2032, 0x2032, "'" },   /* prime */
	{ 0x2033, 0x2033, "\"" },  /* double prime */
	{ 0x2039, 0x203A, "'" },   /* single angle quotes */
	{ 0x205F, 0x205F, " " },   /* mathematical space */
	{ 0x2060, 0x2060, "" },    /* word joiner */
	{ 0x2212, 0x2212, "-" },   /* minus */
	{ 0xFEFF, 0xFEFF, "" },    /* byte order mark */
};

static int is_among(const char32_t *set, uint32_t character)
{
	while (*set != 0 && *set != character)
		set++;
	return *set != 0;
}

unsigned alphabet_septets(uint32_t character)
{
	if (character == 0)
		return 0;
	if (is_among(basic, character))
		return 1;
	return is_among(extension, character) ? 2 : 0;
}

const char *alphabet_equivalent(uint32_t character)
{
	for (size_t i = 0; i < sizeof(equivalents) / sizeof(equivalents[0]); i++) {
		if (character >= equivalents[i].from && character <= equivalents[i].to)
			return equivalents[i].text;
	}
	return NULL;
}
