/* test_settings.c - the settings table machine over tables of its own.
 * SPDX-License-Identifier: MIT */
#include "conf/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct sample {
	const char *text, *choice, *url, *email, *phone, *secret;
	int64_t number, time_ms, size_bytes;
	double ratio;
	uint8_t flag;
	struct tocsin_list list, phones;
	struct tocsin_pairs pairs, headers;
	struct tocsin_span object;
};

static const char *const choices[] = { "plain", "html", NULL };

#define AT(member) .offset = offsetof(struct sample, member)

static const struct tocsin_field rows[] = {
	{ .key = "text",
	  .kind = TOCSIN_TEXT,
	  .min = 2,
	  .max = 5,
	  .dflt = "abc",
	  AT(text),
	  .help = "A text.",
	  .alias = "words" },
	{ .key = "choice",
	  .kind = TOCSIN_CHOICE,
	  .choices = choices,
	  .dflt = "plain",
	  AT(choice),
	  .help = "A choice." },
	{ .key = "url", .kind = TOCSIN_OPERATOR_URL, AT(url), .help = "A URL." },
	{ .key = "email", .kind = TOCSIN_EMAIL, AT(email), .help = "An address." },
	{ .key = "phone", .kind = TOCSIN_PHONE, AT(phone), .help = "A number." },
	{ .key = "secret",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_SECRET,
	  .min = 1,
	  .max = 20,
	  AT(secret),
	  .help = "A secret." },
	{ .key = "number",
	  .kind = TOCSIN_INT,
	  .min = -5,
	  .max = 10,
	  .dflt = "7",
	  AT(number),
	  .help = "A whole number." },
	{ .key = "time",
	  .kind = TOCSIN_TIME_MS,
	  .min = 10,
	  .max = 60000,
	  .dflt = "10s",
	  AT(time_ms),
	  .help = "A time." },
	{ .key = "size",
	  .kind = TOCSIN_SIZE,
	  .min = 1,
	  .max = 1 << 20,
	  .dflt = "64K",
	  AT(size_bytes),
	  .help = "A size." },
	{ .key = "ratio",
	  .kind = TOCSIN_NUMBER,
	  .min = 0,
	  .max = 1,
	  .dflt = "0.5",
	  AT(ratio),
	  .help = "A ratio." },
	{ .key = "flag", .kind = TOCSIN_BOOL, .dflt = "true", AT(flag), .help = "A flag." },
	{ .key = "list",
	  .kind = TOCSIN_LIST,
	  .item = TOCSIN_TEXT,
	  .min = 0,
	  .max = 3,
	  .dflt = "a, b",
	  AT(list),
	  .help = "A list." },
	{ .key = "phones",
	  .kind = TOCSIN_LIST,
	  .item = TOCSIN_PHONE,
	  AT(phones),
	  .help = "Numbers." },
	{ .key = "pairs",
	  .kind = TOCSIN_PAIRS,
	  .min = 0,
	  .max = 2,
	  .dflt = "x=1",
	  AT(pairs),
	  .help = "Pairs." },
	{ .key = "headers",
	  .kind = TOCSIN_PAIRS,
	  .flags = TOCSIN_IS_HEADERS | TOCSIN_SECRET,
	  AT(headers),
	  .help = "Headers." },
	{ .key = "object", .kind = TOCSIN_OBJECT, AT(object), .help = "An object." },
	{ .key = NULL },
};

static const char *const also[] = { "name", "plugin", NULL };

/* One reading of a configuration text, kept for looking at it. */
struct reading {
	config_t file;
	struct sample sample;
	struct setting_faults faults;
	const struct tocsin_field *table;
};

static void reading_open(struct reading *r, const struct tocsin_field *table, const char *text)
{
	*r = (struct reading){ .table = table };
	config_init(&r->file);
	if (config_read_string(&r->file, text) != CONFIG_TRUE)
		fail_msg("line %d: %s: %s", config_error_line(&r->file),
			 config_error_text(&r->file), text);
	settings_read(config_lookup(&r->file, "g"), "g", table, also, &r->sample, &r->faults);
}

static void reading_close(struct reading *r)
{
	settings_finish(r->table, &r->sample);
	setting_faults_finish(&r->faults);
	config_destroy(&r->file);
}

static void faults_expect_none(const struct setting_faults *faults)
{
	if (faults->count > 0)
		fail_msg("unexpected fault: %s", faults->lines[0]);
}

static void defaults(void **state)
{
	struct sample s = { 0 };
	struct setting_faults faults = { 0 };

	(void)state;
	settings_read(NULL, "g", rows, NULL, &s, &faults);
	faults_expect_none(&faults);
	assert_string_equal(s.text, "abc");
	assert_string_equal(s.choice, "plain");
	assert_null(s.url);
	assert_null(s.secret);
	assert_int_equal(s.number, 7);
	assert_int_equal(s.time_ms, 10000);
	assert_int_equal(s.size_bytes, 65536);
	assert_true(s.ratio == 0.5);
	assert_int_equal(s.flag, 1);
	assert_int_equal(s.list.count, 2);
	assert_string_equal(s.list.items[1], "b");
	assert_int_equal(s.pairs.count, 1);
	assert_string_equal(s.pairs.items[0].name, "x");
	assert_string_equal(s.pairs.items[0].value, "1");
	assert_int_equal(s.phones.count, 0);
	assert_null(s.object.ptr);
	settings_finish(rows, &s);
	assert_null(s.text);
	assert_null(s.list.items);
	settings_finish(rows, &s);
}

static void every_kind(void **state)
{
	struct reading r;

	(void)state;
	reading_open(
		&r, rows,
		"g = { name = \"n\"; plugin = 5;"
		" words = \"\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\";"
		" choice = \"html\"; url = \"HTTP://Example.COM/x\"; email = \"a.b@c-d.example\";"
		" phone = \"+1 (415) 555-0123\"; secret = \"shh\"; number = -5L; time = \"1m\";"
		" size = \"1M\"; ratio = 1; flag = false; list = ( ); phones = [ \"+491234\" ];"
		" pairs = { a = \"1\"; b = \"2\"; }; headers = { X-Key = \"v\"; };"
		" object = \"{\\\"a\\\": [1]}\"; };");
	faults_expect_none(&r.faults);
	assert_int_equal(strlen(r.sample.text), 10); /* five characters, ten bytes */
	assert_string_equal(r.sample.choice, "html");
	assert_string_equal(r.sample.url, "http://example.com/x");
	assert_string_equal(r.sample.email, "a.b@c-d.example");
	assert_string_equal(r.sample.phone, "+14155550123");
	assert_string_equal(r.sample.secret, "shh");
	assert_int_equal(r.sample.number, -5);
	assert_int_equal(r.sample.time_ms, 60000);
	assert_int_equal(r.sample.size_bytes, 1 << 20);
	assert_true(r.sample.ratio == 1.0);
	assert_int_equal(r.sample.flag, 0);
	assert_int_equal(r.sample.list.count, 0);
	assert_string_equal(r.sample.phones.items[0], "+491234");
	assert_int_equal(r.sample.pairs.count, 2);
	assert_string_equal(r.sample.pairs.items[1].value, "2");
	assert_string_equal(r.sample.headers.items[0].name, "X-Key");
	assert_int_equal(r.sample.object.len, strlen("{\"a\": [1]}"));
	reading_close(&r);
}

/* Each text has exactly one fault, which has this part in it. */
static const struct {
	const char *text, *want;
} single_faults[] = {
	{ "g = 5;", "g is no group" },
	{ "g = { nimber = 1; };", "1: g.nimber is not known; did you mean g.number?" },
	{ "g = { unmber = 1; };", "did you mean g.number?" },
	{ "g = { plugn = 1; };", "did you mean g.plugin?" },
	{ "g = { hello = 1; };", "g.hello is not known; allowed are text, choice, " },
	{ "g = {\n\n text = 5; };", "3: g.text is the number 5; allowed is a text, 2 to 5 char" },
	{ "g = { text = \"a\"; };", "g.text is 1 characters long; allowed is 2 to 5 characters" },
	{ "g = { text = \"abcdef\"; };", "g.text is 6 characters long" },
	{ "g = { text = \"a\\xff\"; };", "g.text is not valid UTF-8" },
	{ "g = { text = \"abc\"; words = \"abc\"; };", "g.words is given twice: text and words" },
	{ "g = { choice = \"HTML\"; };", "is the text \"HTML\"; allowed is one of plain, html" },
	{ "g = { url = \"file:///x\"; };", "g.url is no URL that can be used" },
	{ "g = { email = \"a b@c\"; };", "g.email is the text \"a b@c\"; allowed is a mail" },
	{ "g = { email = \"a@\"; };", "g.email" },
	{ "g = { email = \".a@b\"; };", "g.email" },
	{ "g = { email = \"a@-b\"; };", "g.email" },
	{ "g = { phone = \"0123\"; };", "g.phone is the text \"0123\"; allowed is a phone" },
	{ "g = { number = 11; };", "g.number is 11; allowed is -5 to 10" },
	{ "g = { number = -6; };", "g.number is -6; allowed is -5 to 10" },
	{ "g = { number = 4294967297L; };", "g.number is 4294967297; allowed is -5 to 10" },
	{ "g = { number = \"1\"; };", "is the text \"1\"; allowed is an integer, -5 to 10" },
	{ "g = { number = 1.0; };", "is the number 1; allowed is an integer" },
	{ "g = { number = true; };", "is true; allowed is an integer" },
	{ "g = { number = { }; };", "is a group; allowed is an integer" },
	{ "g = { number = [ 1 ]; };", "is a list; allowed is an integer" },
	{ "g = { time = 10; };", "is the number 10 without a unit; allowed is a time in quotes" },
	{ "g = { time = 10; };", "10ms to 1m; write \"10s\" or \"10ms\"" },
	{ "g = { time = \"10\"; };", "g.time is the text \"10\"; allowed is a time in quotes" },
	{ "g = { time = \"2m\"; };", "g.time is 2m; allowed is 10ms to 1m" },
	{ "g = { time = \"0\"; };", "g.time is 0; allowed is 10ms to 1m" },
	{ "g = { size = 2048; };", "g.size is the number 2048; allowed is a size" },
	{ "g = { size = 2048; };", "1 to 1M; write \"2K\"" },
	{ "g = { size = \"2M\"; };", "g.size is 2M; allowed is 1 to 1M" },
	{ "g = { ratio = 1.5; };", "g.ratio is 1.5; allowed is 0 to 1" },
	{ "g = { ratio = \"x\"; };", "g.ratio is the text \"x\"; allowed is a number, 0 to 1" },
	{ "g = { flag = 1; };", "g.flag is the number 1; allowed is true or false" },
	{ "g = { flag = \"true\"; };", "g.flag is the text \"true\"; allowed is true or false" },
	{ "g = { list = \"a\"; };", "g.list is the text \"a\"; allowed is a list of texts" },
	{ "g = { list = (\"a\",\n 5); };", "2: g.list[1] is no text" },
	{ "g = { list = [\"a\",\"b\",\"c\",\"d\"]; };",
	  "is 4 elements long; allowed is 0 to 3 el" },
	{ "g = { phones = [ \"x\" ]; };", "g.phones[0] is the text \"x\"; allowed is a phone" },
	{ "g = { pairs = { a = 1; }; };", "g.pairs.a is no text" },
	{ "g = { pairs = [ ]; };", "g.pairs is a list; allowed is a group of texts" },
	{ "g = { headers = { a = \"x\\ny\"; }; };", "g.headers.a cannot be an HTTP header" },
	{ "g = { headers = { Host = \"x\"; }; };", "g.headers.Host cannot be an HTTP header" },
	{ "g = { object = \"[]\"; };", "allowed is a JSON object in a text" },
	{ "g = { object = \"{\"; };", "allowed is a JSON object in a text" },
};

static void one_fault_each(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(single_faults); i++) {
		struct reading r;

		reading_open(&r, rows, single_faults[i].text);
		if (r.faults.count != 1 || strstr(r.faults.lines[0], single_faults[i].want) == NULL)
			fail_msg("%s: %zu faults, first \"%s\"", single_faults[i].text,
				 r.faults.count, r.faults.count > 0 ? r.faults.lines[0] : "");
		/* What is refused leaves the default. */
		assert_string_equal(r.sample.choice, "plain");
		assert_int_equal(r.sample.number, 7);
		reading_close(&r);
	}
}

static void all_faults_at_once(void **state)
{
	struct reading r;

	(void)state;
	reading_open(&r, rows, "g = { number = 11; time = 1; nix = 1; list = ( 1, 2 ); };");
	assert_int_equal(r.faults.count, 5);
	reading_close(&r);
}

static void many_faults_end(void **state)
{
	struct setting_faults faults = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		setting_faults_add(&faults, "fault %d", i);
	assert_int_equal(faults.count, 201);
	assert_string_equal(faults.lines[0], "fault 0");
	assert_string_equal(faults.lines[200], "further faults are not shown");
	setting_faults_finish(&faults);
	setting_faults_finish(NULL);
}

/* Whatever is wrong with a secret, it is never among the words. */
static void secrets_are_not_shown(void **state)
{
	static const char *const cases[] = {
		"g = { secret = \"hunter2hunter2hunter2\"; };",
		"g = { secret = 77712377; };",
		"g = { secret = 77712377.5; };",
		"g = { secret = [ \"hunter2\" ]; };",
		"g = { headers = { Host = \"hunter2\"; }; };",
		"g = { headers = { X = \"hunter2\\n\"; }; };",
		"g = { headers = { X = 77712377; }; };",
		"g = { sekret = \"hunter2\"; };",
		"g = { secret = \"hunter2\\xff\"; };",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct reading r;

		reading_open(&r, rows, cases[i]);
		assert_int_equal(r.faults.count, 1);
		assert_null(strstr(r.faults.lines[0], "hunter2"));
		assert_null(strstr(r.faults.lines[0], "77712377"));
		reading_close(&r);
	}
}

static void secret_expect(const char *given, const char *want, const char *want_fault)
{
	char text[300];
	struct reading r;

	snprintf(text, sizeof(text), "g = { secret = \"%s\"; };", given);
	reading_open(&r, rows, text);
	if (want != NULL) {
		faults_expect_none(&r.faults);
		assert_string_equal(r.sample.secret, want);
	} else {
		assert_int_equal(r.faults.count, 1);
		if (strstr(r.faults.lines[0], want_fault) == NULL)
			fail_msg("%s: %s", given, r.faults.lines[0]);
	}
	reading_close(&r);
}

static void file_write(const char *path, const void *text, size_t bytes)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, bytes, f), bytes);
	assert_int_equal(fclose(f), 0);
}

static void secrets_from_elsewhere(void **state)
{
	char folder[] = "/tmp/test-settings-XXXXXX";
	char path[100], given[150];
	char *big = calloc(1, 70000);

	(void)state;
	assert_non_null(big);
	assert_non_null(mkdtemp(folder));
	setenv("TEST_SETTINGS_SECRET", "from env", 1);
	unsetenv("TEST_SETTINGS_NONE");
	secret_expect("env:TEST_SETTINGS_SECRET", "from env", NULL);
	secret_expect(
		"env:TEST_SETTINGS_NONE", NULL,
		"g.secret names the environment variable TEST_SETTINGS_NONE, which is not set");
	secret_expect("env:", NULL, "is not set");

	snprintf(path, sizeof(path), "%s/secret", folder);
	snprintf(given, sizeof(given), "file:%s", path);
	secret_expect(given, NULL, "which does not exist");
	file_write(path, "from file\n\n", 11);
	secret_expect(given, "from file\n", NULL);
	file_write(path, "no newline", 10);
	secret_expect(given, "no newline", NULL);
	file_write(path, "a\0b", 3);
	secret_expect(given, NULL, "holds NUL bytes");
	file_write(path, "", 0);
	secret_expect(given, NULL, "allowed is 1 to 20 characters");
	memset(big, 'x', 70000);
	file_write(path, big, 70000);
	secret_expect(given, NULL, "is larger than 65536 bytes");
	snprintf(given, sizeof(given), "file:%s", folder);
	secret_expect(given, NULL, "is a folder");
	unlink(path);
	rmdir(folder);
	free(big);
}

/* Only secrets are looked up elsewhere: another text may begin like that. */
static void texts_stay_texts(void **state)
{
	struct reading r;

	(void)state;
	reading_open(&r, rows, "g = { text = \"env:X\"; };");
	faults_expect_none(&r.faults);
	assert_string_equal(r.sample.text, "env:X");
	reading_close(&r);
}

static const struct tocsin_field group_rows[] = {
	{ .key = "text", .kind = TOCSIN_TEXT, .flags = TOCSIN_REQUIRED, AT(text) },
	{ .key = "url", .kind = TOCSIN_URL, .flags = TOCSIN_REQUIRED, .group = "hook", AT(url) },
	{ .key = "secret",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_REQUIRED | TOCSIN_SECRET,
	  .group = "bot",
	  AT(secret) },
	{ .key = "phone", .kind = TOCSIN_PHONE, .group = "bot", AT(phone) },
	{ .key = NULL },
};

static void required_keys_and_groups(void **state)
{
	static const struct {
		const char *text;
		size_t count;
		const char *want;
	} cases[] = {
		{ "g = { text = \"x\"; url = \"http://h/\"; };", 0, NULL },
		{ "g = { text = \"x\"; secret = \"s\"; };", 0, NULL },
		{ "g = { url = \"http://h/\"; };", 1, "1: g.text is missing; allowed is a text" },
		{ "g = { text = \"x\"; phone = \"+4912345\"; };", 1,
		  "g.secret is missing; allowed is a text, also as env:NAME or file:PATH" },
		{ "g = { text = \"x\"; url = \"http://h/\"; secret = \"s\"; };", 1,
		  "g has keys of 2 groups; allowed are those of exactly one of: hook, bot" },
		{ "g = { text = \"x\"; };", 1, "g has keys of 0 groups" },
		{ "h = { };", 2, "g.text is missing" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct reading r;

		reading_open(&r, group_rows, cases[i].text);
		if (r.faults.count != cases[i].count ||
		    (cases[i].want != NULL && strstr(r.faults.lines[0], cases[i].want) == NULL))
			fail_msg("%s: %zu faults, first \"%s\"", cases[i].text, r.faults.count,
				 r.faults.count > 0 ? r.faults.lines[0] : "");
		reading_close(&r);
	}
}

static const struct tocsin_field *row_of(const char *key)
{
	for (const struct tocsin_field *row = rows; row->key != NULL; row++) {
		if (strcmp(row->key, key) == 0)
			return row;
	}
	fail_msg("no row %s", key);
	return NULL;
}

static void overrides(void **state)
{
	static const struct {
		const char *key, *text;
		bool good;
	} cases[] = {
		{ "text", "xyz", true },
		{ "text", "", false },
		{ "choice", "html", true },
		{ "choice", "x", false },
		{ "number", "-3", true },
		{ "number", "3x", false },
		{ "number", "", false },
		{ "number", " 3", false },
		{ "number", "0x3", false },
		{ "number", "99999999999999999999", false },
		{ "time", "250ms", true },
		{ "time", "250", false },
		{ "size", "512", true },
		{ "size", "512 K", false },
		{ "ratio", "0.25", true },
		{ "ratio", "nan", false },
		{ "flag", "false", true },
		{ "flag", "no", false },
		{ "list", "a, b ,c", true },
		{ "list", "a,b,c,d", false },
		{ "list", "", true },
		{ "pairs", "a=1,b=2=3", true },
		{ "pairs", "a", false },
		{ "object", "{}", true },
		{ "phones", "+491,+492", true },
		{ "phones", "+491,", false },
	};
	struct sample s = { 0 };
	struct setting_faults faults = { 0 };

	(void)state;
	settings_read(NULL, "g", rows, NULL, &s, &faults);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		settings_override("g.key", cases[i].text, row_of(cases[i].key), &s, &faults);
		if ((faults.count == 0) != cases[i].good)
			fail_msg("%s=%s: %s", cases[i].key, cases[i].text,
				 faults.count == 0 ? "no fault" : faults.lines[0]);
		if (faults.count > 0)
			assert_ptr_equal(strstr(faults.lines[0], "command line: g.key"),
					 faults.lines[0]);
		setting_faults_finish(&faults);
	}
	assert_string_equal(s.text, "xyz");
	assert_int_equal(s.number, -3);
	assert_int_equal(s.time_ms, 250);
	assert_int_equal(s.size_bytes, 512);
	assert_true(s.ratio == 0.25);
	assert_int_equal(s.flag, 0);
	assert_int_equal(s.list.count, 0);
	assert_string_equal(s.pairs.items[1].value, "2=3");
	settings_finish(rows, &s);
}

static void printing(void **state)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	(void)state;
	assert_non_null(out);
	settings_print(out, "g", rows);
	settings_print(out, "", group_rows);
	fclose(out);
	assert_non_null(
		strstr(text, "g.number  integer, -5 to 10, default 7\n    A whole number.\n"));
	assert_non_null(strstr(text, "g.time  time, 10ms to 1m, default 10s\n    A time.\n"));
	assert_non_null(strstr(text, "g.size  size, 1 to 1M, default 64K\n"));
	assert_non_null(strstr(text, "g.choice  one of plain, html, default plain\n"));
	assert_non_null(
		strstr(text, "g.text  text, 2 to 5 characters, default abc, also spelled words\n"));
	assert_non_null(strstr(text, "g.list  list of texts, 0 to 3 elements, default a, b\n"));
	assert_non_null(
		strstr(text, "g.secret  text, 1 to 20 characters, no default, secret: also env:"));
	assert_non_null(
		strstr(text, "\nurl  http or https URL, required, with the keys of hook\n"));
	free(text);
}

static void from_texts(void **state)
{
	static const char *const good[] = { "number=3", "list=x, y", "secret=env:HOME", NULL };
	static const char *const bad[] = { "number=99", "nubmer=1", "text", NULL };
	struct setting_faults faults = { NULL, 0 };
	struct sample s = { 0 };

	(void)state;
	settings_read_texts(good, "g", rows, &s, &faults);
	assert_int_equal(faults.count, 0);
	assert_int_equal(s.number, 3);
	assert_int_equal(s.list.count, 2);
	assert_string_equal(s.text, "abc");
	settings_finish(rows, &s);
	settings_read_texts(bad, "g", rows, &s, &faults);
	assert_int_equal(faults.count, 3);
	assert_non_null(strstr(faults.lines[1], "did you mean g.number"));
	assert_non_null(strstr(faults.lines[2], "write text=value"));
	settings_finish(rows, &s);
	setting_faults_finish(&faults);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(every_kind),
		cmocka_unit_test(one_fault_each),
		cmocka_unit_test(all_faults_at_once),
		cmocka_unit_test(many_faults_end),
		cmocka_unit_test(secrets_are_not_shown),
		cmocka_unit_test(secrets_from_elsewhere),
		cmocka_unit_test(texts_stay_texts),
		cmocka_unit_test(required_keys_and_groups),
		cmocka_unit_test(overrides),
		cmocka_unit_test(from_texts),
		cmocka_unit_test(printing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
