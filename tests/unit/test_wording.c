/* test_wording.c - the GSM alphabet, and texts counted and cut at every border.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sms/alphabet.h"
#include "sms/wording.h"

#define EMOJI "\xF0\x9F\x98\x80" /* U+1F600: two UTF-16 units */

/* A text of pieces: "a*160 €" is 160 times "a" and one "€"; "_" is a blank. */
static struct tocsin_span text_build(struct text *t, const char *pieces)
{
	char copy[256], *rest = copy, *piece = NULL;

	snprintf(copy, sizeof(copy), "%s", pieces);
	while ((piece = strtok_r(rest, " ", &rest)) != NULL) {
		char *star = strchr(piece, '*');
		unsigned long count = 1;

		if (star != NULL && star != piece) {
			count = strtoul(star + 1, NULL, 10);
			*star = '\0';
		}
		for (unsigned long i = 0; i < count; i++)
			text_add(t, strcmp(piece, "_") == 0 ? " " : piece);
	}
	return (struct tocsin_span){ t->ptr, t->len };
}

static const struct wording_limits ten_parts = { .parts_max = 10, .is_transliterated = 1 };

/* --- the alphabet -------------------------------------------------------------- */

static void test_alphabet(void **state)
{
	static const char basic[] = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;"
				    "<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwx"
				    "yzäöñüà";
	static const char twice[] = "\f^{}\\[~]|€";
	static const char outside[] = "`çáíóúÁâêîôûëïÀÈαωДж中“”‘’–—…•\t\x1B\x7F" EMOJI;
	unsigned count = 0;

	(void)state;
	for (size_t at = 0; at < sizeof(basic) - 1; count++)
		assert_int_equal(alphabet_septets(wording_character(basic, sizeof(basic) - 1, &at)),
				 1);
	assert_int_equal(count, 127); /* 128 places less the escape */
	for (size_t at = 0; at < sizeof(twice) - 1; count++)
		assert_int_equal(alphabet_septets(wording_character(twice, sizeof(twice) - 1, &at)),
				 2);
	for (size_t at = 0; at < sizeof(outside) - 1;)
		assert_int_equal(
			alphabet_septets(wording_character(outside, sizeof(outside) - 1, &at)), 0);
	assert_int_equal(alphabet_septets(0), 0);
	/* Nothing else below U+3000 is in it. */
	for (uint32_t c = 1; c < 0x3000; c++)
		count -= alphabet_septets(c) != 0;
	assert_int_equal(count, 0);
}

static void test_equivalents(void **state)
{
	(void)state;
	/* Each is text of the alphabet. */
	for (uint32_t c = 1; c < 0x10000; c++) {
		const char *text = alphabet_equivalent(c);

		for (const char *p = text; p != NULL && *p != '\0'; p++)
			assert_int_equal(alphabet_septets((unsigned char)*p), 1);
	}
	assert_string_equal(alphabet_equivalent(0x2014), "-");
	assert_null(alphabet_equivalent(0xE7)); /* ç is a letter */
}

/* --- characters ----------------------------------------------------------------- */

static void test_characters(void **state)
{
	static const struct {
		const char *bytes;
		uint32_t want;
		size_t taken;
	} cases[] = {
		{ "a", 'a', 1 },
		{ "ä", 0xE4, 2 },
		{ "€", 0x20AC, 3 },
		{ EMOJI, 0x1F600, 4 },
		{ "\xC0\x80", 0xFFFD, 1 },         /* overlong */
		{ "\xE0\x80\x80", 0xFFFD, 3 },     /* overlong */
		{ "\xED\xA0\x80", 0xFFFD, 3 },     /* surrogate */
		{ "\xF4\x90\x80\x80", 0xFFFD, 4 }, /* beyond Unicode */
		{ "\xE2\x82", 0xFFFD, 1 },         /* broken off */
		{ "\xC3(", 0xFFFD, 1 },
		{ "\xFF", 0xFFFD, 1 },
		{ "\x80", 0xFFFD, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t at = 0;

		assert_int_equal(wording_character(cases[i].bytes, strlen(cases[i].bytes), &at),
				 cases[i].want);
		assert_int_equal(at, cases[i].taken);
	}
}

/* --- cleaning -------------------------------------------------------------------- */

static void test_cleaning(void **state)
{
	static const struct {
		const char *label, *text, *want;
		enum coding coding;
	} cases[] = {
		{ "line ends", "a\r\nb\rc\nd", "a\nb\nc\nd", CODING_GSM },
		{ "separators",
		  "a\xE2\x80\xA8"
		  "b\xC2\x85"
		  "c",
		  "a\nb\nc", CODING_GSM },
		{ "edges", " \n\r\n a b \n\n", "a b", CODING_GSM },
		{ "controls",
		  "a\tb\x1B"
		  "c\x01"
		  "d",
		  "a b c d", CODING_GSM },
		{ "quotes and dashes", "“x” ‘y’ – z… 5\xC2\xA0kg", "\"x\" 'y' - z... 5 kg",
		  CODING_GSM },
		{ "nothing saved, nothing changed", "“x” 中 – z…", "“x” 中 – z…", CODING_UCS2 },
		{ "letters stay", "façade", "façade", CODING_UCS2 },
		{ "invalid bytes", "a\xFFz", "a\xEF\xBF\xBDz", CODING_UCS2 },
		{ "blank only", " \t\r\n", "", CODING_GSM },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wording w = { 0 };

		assert_int_equal(
			wording_fit(&w,
				    (struct tocsin_span){ cases[i].text, strlen(cases[i].text) },
				    &ten_parts),
			TOCSIN_OK);
		if (w.coding != cases[i].coding || w.is_cut)
			fail_msg("%s: coding %d", cases[i].label, (int)w.coding);
		if (strcmp(w.text.ptr == NULL ? "" : w.text.ptr, cases[i].want) != 0)
			fail_msg("%s: '%s'", cases[i].label, w.text.ptr);
		assert_int_equal(w.parts == 0, cases[i].want[0] == '\0');
		text_finish(&w.text);
	}
}

static void test_nul_and_choice(void **state)
{
	static const struct wording_limits as_it_is = { .parts_max = 10 };
	struct wording w = { 0 };

	(void)state;
	assert_int_equal(wording_fit(&w, (struct tocsin_span){ "a\0b", 3 }, &ten_parts), TOCSIN_OK);
	assert_string_equal(w.text.ptr, "a b");
	text_finish(&w.text);
	w = (struct wording){ 0 };
	assert_int_equal(wording_fit(&w, (struct tocsin_span){ "“x”", 7 }, &as_it_is), TOCSIN_OK);
	assert_string_equal(w.text.ptr, "“x”");
	assert_int_equal(w.coding, CODING_UCS2);
	text_finish(&w.text);
}

/* --- counting --------------------------------------------------------------------- */

static void test_counts(void **state)
{
	static const struct {
		const char *pieces;
		enum coding coding;
		unsigned units, parts;
	} cases[] = {
		{ "a", CODING_GSM, 1, 1 },
		{ "a*160", CODING_GSM, 160, 1 },
		{ "a*161", CODING_GSM, 161, 2 },
		{ "a*306", CODING_GSM, 306, 2 },
		{ "a*307", CODING_GSM, 307, 3 },
		{ "a*459", CODING_GSM, 459, 3 },
		{ "a*460", CODING_GSM, 460, 4 },
		{ "a*1530", CODING_GSM, 1530, 10 },
		/* Two septets each, and never one at the end of a part. */
		{ "€*80", CODING_GSM, 160, 1 },
		{ "€*80 a", CODING_GSM, 161, 2 },
		{ "a*158 €", CODING_GSM, 160, 1 },
		{ "a*159 €", CODING_GSM, 161, 2 },
		{ "a*152 € a*152", CODING_GSM, 306, 3 },
		{ "a*151 € a*153", CODING_GSM, 306, 2 },
		{ "a*152 € a*151", CODING_GSM, 305, 2 },
		{ "€*153", CODING_GSM, 306, 3 }, /* 76 + 76 + 1 */
		{ "€*152", CODING_GSM, 304, 2 },
		{ "中*70", CODING_UCS2, 70, 1 },
		{ "中*71", CODING_UCS2, 71, 2 },
		{ "中*134", CODING_UCS2, 134, 2 },
		{ "中*135", CODING_UCS2, 135, 3 },
		{ "中*670", CODING_UCS2, 670, 10 },
		{ "a*69 中", CODING_UCS2, 70, 1 },
		{ "a*70 中", CODING_UCS2, 71, 2 },
		/* A surrogate pair is not split either. */
		{ EMOJI "*35", CODING_UCS2, 70, 1 },
		{ EMOJI "*35 a", CODING_UCS2, 71, 2 },
		{ "a*66 " EMOJI " a*66", CODING_UCS2, 134, 3 },
		{ "a*65 " EMOJI " a*67", CODING_UCS2, 134, 2 },
		{ EMOJI "*66", CODING_UCS2, 132, 2 }, /* 33 a part */
		{ EMOJI "*67", CODING_UCS2, 134, 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text t = { 0 };
		struct wording w = { 0 };

		assert_int_equal(wording_fit(&w, text_build(&t, cases[i].pieces), &ten_parts),
				 TOCSIN_OK);
		if (w.coding != cases[i].coding || w.units != cases[i].units ||
		    w.parts != cases[i].parts || w.is_cut)
			fail_msg("%s: %u units, %u parts, coding %d", cases[i].pieces, w.units,
				 w.parts, (int)w.coding);
		assert_string_equal(w.text.ptr, t.ptr);
		text_finish(&t);
		text_finish(&w.text);
	}
}

/* --- cutting ----------------------------------------------------------------------- */

static void test_cuts(void **state)
{
	static const struct {
		const char *pieces, *want;
		struct wording_limits limits;
		unsigned units, parts;
	} cases[] = {
		{ "a*161", "a*157 ...", { 1, 0, 0 }, 160, 1 },
		{ "a*307", "a*303 ...", { 2, 0, 0 }, 306, 2 },
		{ "a*1531", "a*1527 ...", { 10, 0, 0 }, 1530, 10 },
		{ "a*5000", "a*1527 ...", { 10, 0, 0 }, 1530, 10 },
		{ "中*71", "中*69 …", { 1, 0, 0 }, 70, 1 },
		{ "中*135", "中*133 …", { 2, 0, 0 }, 134, 2 },
		/* The pair of an extension character stays whole. */
		{ "€*81", "€*78 ...", { 1, 0, 0 }, 159, 1 },
		{ "a*156 €*9", "a*156 ...", { 1, 0, 0 }, 159, 1 },
		{ "a*155 €*9", "a*155 € ...", { 1, 0, 0 }, 160, 1 },
		/* So does that of an emoji. */
		{ EMOJI "*36", EMOJI "*34 …", { 1, 0, 0 }, 69, 1 },
		{ "a*67 " EMOJI "*9", "a*67 " EMOJI " …", { 1, 0, 0 }, 70, 1 },
		{ "a*68 " EMOJI "*9", "a*68 …", { 1, 0, 0 }, 69, 1 },
		/* Accents and what is joined to an emoji go with it. */
		{ "中*68 e\xCC\x81*9", "中*68 …", { 1, 0, 0 }, 69, 1 },
		{ "中*65 " EMOJI "\xE2\x80\x8D" EMOJI " a*9", "中*65 …", { 1, 0, 0 }, 66, 1 },
		/* Blanks before the ellipsis go. */
		{ "a*150 _*7 b*9", "a*150 ...", { 1, 0, 0 }, 153, 1 },
		/* What would make it UCS-2 is cut off: it is GSM-7. */
		{ "a*400 中", "a*303 ...", { 2, 0, 0 }, 306, 2 },
		{ "a*100 中 a*400", "a*100 中 a*32 …", { 2, 0, 0 }, 134, 2 },
		/* A provider's limit in characters. */
		{ "a*1700", "a*1597 ...", { 20, 1600, 0 }, 1600, 11 },
		{ "€*900", "€*759 ...", { 10, 1600, 0 }, 1521, 10 },
		{ EMOJI "*900", EMOJI "*799 …", { 255, 1600, 0 }, 1599, 25 },
		{ "中*1600", "中*1600", { 255, 1600, 0 }, 1600, 24 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text t = { 0 }, want = { 0 };
		struct wording w = { 0 };

		text_build(&want, cases[i].want);
		assert_int_equal(wording_fit(&w, text_build(&t, cases[i].pieces), &cases[i].limits),
				 TOCSIN_OK);
		if (strcmp(w.text.ptr, want.ptr) != 0 || w.units != cases[i].units ||
		    w.parts != cases[i].parts || w.is_cut != (strcmp(t.ptr, want.ptr) != 0))
			fail_msg("%s: %u units, %u parts: %s", cases[i].pieces, w.units, w.parts,
				 w.text.ptr);
		text_finish(&t);
		text_finish(&want);
		text_finish(&w.text);
	}
}

static void test_description(void **state)
{
	const struct wording one = { .coding = CODING_GSM, .parts = 1 };
	const struct wording cut = { .coding = CODING_UCS2, .parts = 10, .is_cut = 1 };
	char out[64];

	(void)state;
	wording_describe(&one, 0, out, sizeof(out));
	assert_string_equal(out, "1 part (GSM-7)");
	wording_describe(&one, 3, out, sizeof(out));
	assert_string_equal(out, "3 parts (GSM-7)");
	wording_describe(&cut, 0, out, sizeof(out));
	assert_string_equal(out, "10 parts (UCS-2), text cut");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alphabet),       cmocka_unit_test(test_equivalents),
		cmocka_unit_test(test_characters),     cmocka_unit_test(test_cleaning),
		cmocka_unit_test(test_nul_and_choice), cmocka_unit_test(test_counts),
		cmocka_unit_test(test_cuts),           cmocka_unit_test(test_description),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
