/* test_admin.c - organizations, keys and the audit: on a store, and as subcommands.
 * SPDX-License-Identifier: MIT */
#include "main/admin.h"

#include <signal.h>

#include "base/log.h"
#include "main/command.h"
#include "main/control.h"

#include "program.h"
#include "store_world.h"

static struct world w;
static struct admin admin;
static struct buf out;

static int setup(void **state)
{
	(void)state;
	world_start(&w);
	admin = (struct admin){ .store = w.s, .access = access_create(w.s) };
	assert_int_equal(access_load(admin.access), ERR_OK);
	buf_init(&out, CONTROL_REPLY_MAX_BYTES);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_finish(&out);
	access_destroy(admin.access);
	world_end(&w);
	return 0;
}

/* Carry out a request of up to six words. */
static int answer(const char *const *words)
{
	char *copies[CONTROL_WORDS_MAX];
	int count = 0;

	for (; words[count] != NULL; count++)
		copies[count] = (char *)(uintptr_t)words[count];
	buf_clear(&out);
	const int code = admin_answer(&admin, copies, count, &out);

	return code;
}

static void answer_check(const char *const *words, int code, const char *has)
{
	const int got = answer(words);

	if (got != code || strstr(out.ptr == NULL ? "" : out.ptr, has) == NULL)
		fail_msg("%s %s: exit %d: %s", words[0], words[1] == NULL ? "" : words[1], got,
			 out.ptr);
}

/* The last answer without its newline; to has room for bytes. */
static void line_take(char *to, size_t bytes)
{
	assert_true(out.len > 1 && out.len <= bytes);
	assert_ptr_equal(strchr(out.ptr, '\n'), out.ptr + out.len - 1);
	memcpy(to, out.ptr, out.len - 1);
	to[out.len - 1] = '\0';
}

/* --- On an open store ------------------------------------------------------------ */

static void requests(void **state)
{
	static const struct {
		const char *words[7];
		int code;
		const char *has;
	} cases[] = {
		{ { "org", "list" }, 0, "Acme" },
		{ { "org", "add", "" }, 1, "org add: " },
		{ { "key", "add", "org_aaaaaaaaaa", "read,publish", "live" }, 0, "sk_live_" },
		{ { "key", "add", "org_aaaaaaaaaa", "manage", "test" }, 0, "sk_test_" },
		{ { "key", "add", "org_aaaaaaaaaa", "red", "live" }, 2, "publish, read, manage" },
		{ { "key", "add", "org_aaaaaaaaaa", "", "live" }, 2, "--scopes" },
		{ { "key", "add", "org_0000000000", "read", "live" }, 1, "key add: " },
		{ { "key", "list" }, 0, "org_aaaaaaaaaa  publish,read  live" },
		{ { "key", "list", "org_aaaaaaaaaa" }, 0, "manage  test" },
		{ { "key", "list", "org_0000000000" }, 1, "key list: " },
		{ { "key", "revoke", "key_0000000000" }, 1, "key revoke: " },
		{ { "audit" }, 0, "ok\n" },
		/* What is no request changes nothing. */
		{ { "org" }, 2, "no such request" },
		{ { "org", "remove", "x" }, 2, "no such request" },
		{ { "org", "list", "x" }, 2, "no such request" },
		{ { "org", "add" }, 2, "no such request" },
		{ { "org", "add", "two", "words" }, 2, "no such request" },
		{ { "key", "add", "org_aaaaaaaaaa", "read" }, 2, "no such request" },
		{ { "key", "revoke" }, 2, "no such request" },
		{ { "audit", "now" }, 2, "no such request" },
		{ { "orgs", "list" }, 2, "no such request" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		answer_check(cases[i].words, cases[i].code, cases[i].has);
	assert_int_equal(world_sql(&w, "SELECT count(*) FROM organization"), 1);
	assert_int_equal(world_sql(&w, "SELECT count(*) FROM api_key"), 2);
	/* No word at all. */
	assert_int_equal(admin_answer(&admin, NULL, 0, &out), 2);
}

/* What it prints is what the next command takes. */
static void the_life_of_a_key(void **state)
{
	char organization[64], key[64];
	struct caller caller;

	(void)state;
	answer_check(WORDS("org", "add", "Two words \xC3\xBC"), 0, "org_");
	line_take(organization, sizeof(organization));
	answer_check(WORDS("org", "list"), 0, "Two words \xC3\xBC\n");
	answer_check(WORDS("key", "add", organization, "publish", "test"), 0, "sk_test_");
	line_take(key, sizeof(key));
	assert_int_equal(access_check(admin.access, span_of(key), &caller), ERR_OK);
	assert_int_equal(caller.scopes, SCOPE_PUBLISH);
	assert_true(caller.is_test);
	/* Shown once: no list has it. */
	answer_check(WORDS("key", "list", organization), 0, "active");
	assert_null(strstr(out.ptr, key));
	answer_check(WORDS("key", "revoke", key), 0, "revoked\n");
	assert_int_equal(access_check(admin.access, span_of(key), &caller), ERR_DENIED);
	answer_check(WORDS("key", "list", organization), 0, "publish  test");
	assert_null(strstr(out.ptr, "active"));
	answer_check(WORDS("key", "revoke", key), 1, "key revoke: ");
	/* By the id that lists show, too. */
	answer_check(WORDS("key", "add", organization, "read", "live"), 0, "sk_live_");
	line_take(key, sizeof(key));
	assert_int_equal(access_check(admin.access, span_of(key), &caller), ERR_OK);
	answer_check(WORDS("key", "revoke", caller.key_public_id), 0, "revoked\n");
	assert_int_equal(access_check(admin.access, span_of(key), &caller), ERR_DENIED);
}

static void an_audit_that_finds_something(void **state)
{
	(void)state;
	assert_int_equal(world_webhook_add(&w, 1, 0), ERR_OK);
	world_publish(&w, world_channel(&w, 0, 0), 0);
	answer_check(WORDS("audit"), 0, "ok\n");
	world_sql(&w, "UPDATE destination SET due=due+1");
	world_reopen(&w); /* its memory has the true number */
	admin.store = w.s;
	answer_check(WORDS("audit"), 1, "audit: ");
	world_sql(&w, "UPDATE destination SET due=due-1");
}

/* --- Beside another process ---------------------------------------------------------- */

static pid_t other = -1; /* the other process, */
static int told[2];      /* and what it tells: a pipe */

/* A process of its own, for threads and forks do not go together: it begins with
 * fn, tells that it has, and goes on until it is killed. */
static void other_start(void (*fn)(void))
{
	char byte;

	assert_int_equal(pipe(told), 0);
	fflush(NULL);
	other = fork();
	assert_true(other >= 0);
	if (other == 0) {
		fn();
		while (write(told[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(told[0], &byte, 1), 1);
}

static void other_stop(void)
{
	if (other <= 0)
		return;
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	other = -1;
	close(told[0]);
	close(told[1]);
}

static void store_take(void)
{
	world_open(&w);
}

/* --- The subcommand -------------------------------------------------------------- */

static char conf_path[FILE_PATH_BYTES + 16];

/* The store is closed: as when no server runs. */
static int closed_setup(void **state)
{
	char text[2 * FILE_PATH_BYTES];

	if (setup(state) != 0)
		return -1;
	access_destroy(admin.access);
	admin.access = NULL;
	world_close(&w);
	snprintf(conf_path, sizeof(conf_path), "%s/tocsin.conf", w.folder);
	const int len = snprintf(text, sizeof(text), "store = { path = \"%s\"; };\n", w.path);

	file_write(conf_path, text, (size_t)len);
	return 0;
}

static int closed_teardown(void **state)
{
	char path[FILE_PATH_BYTES + 32];

	other_stop();
	snprintf(path, sizeof(path), "%s.ctl", w.path);
	unlink(path);
	unlink(conf_path);
	return teardown(state);
}

static void without_a_server(void **state)
{
	static const struct {
		const char *label, *words[12];
		int code;
		const char *has, *says;
	} cases[] = {
		{ "list", { "org", "list", "-c", conf_path }, 0, "Acme\n", NULL },
		{ "add", { "org", "add", "-c", conf_path, "New" }, 0, "org_", NULL },
		{ "key",
		  { "key", "add", "org_aaaaaaaaaa", "--scopes", "read,manage", "-c", conf_path },
		  0,
		  "sk_live_",
		  NULL },
		{ "test key",
		  { "key", "add", "org_aaaaaaaaaa", "--test", "--scopes", "read", "-c", conf_path },
		  0,
		  "sk_test_",
		  NULL },
		{ "keys", { "key", "list", "-c", conf_path }, 0, "read,manage  live", NULL },
		{ "audit", { "audit", "-c", conf_path }, 0, "ok\n", NULL },
		{ "a wrong scope",
		  { "key", "add", "org_aaaaaaaaaa", "--scopes", "all", "-c", conf_path },
		  2,
		  NULL,
		  "publish, read, manage" },
		{ "no scopes",
		  { "key", "add", "org_aaaaaaaaaa", "-c", conf_path },
		  2,
		  NULL,
		  "write: tocsin key add" },
		{ "no organization",
		  { "key", "add", "--scopes", "read", "-c", conf_path },
		  2,
		  NULL,
		  "write: tocsin key add" },
		{ "no verb", { "org", "-c", conf_path }, 2, NULL, "no such request" },
		{ "no option",
		  { "org", "list", "-q", "-c", conf_path },
		  2,
		  NULL,
		  "no such option" },
		{ "no such key",
		  { "key", "revoke", "key_0000000000", "-c", conf_path },
		  1,
		  NULL,
		  "key revoke: " },
		{ "no configuration",
		  { "org", "list", "-c", "/nowhere/x" },
		  1,
		  NULL,
		  "/nowhere/x" },
		{ "no store",
		  { "org", "list", "-c", conf_path, "-o", "store.path=/nowhere/t.db" },
		  1,
		  NULL,
		  "/nowhere/t.db" },
	};
	static struct program p;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		program_run(admin_run, cases[i].words, &p);
		program_check(&p, cases[i].label, cases[i].code, cases[i].has, cases[i].says);
	}
	assert_int_equal(world_sql(&w, "SELECT count(*) FROM organization"), 2);
	assert_int_equal(world_sql(&w, "SELECT count(*) FROM api_key"), 2);
}

static void too_many_words(void **state)
{
	const char *words[CONTROL_WORDS_MAX + 2] = { "org" };
	static struct program p;

	(void)state;
	for (size_t i = 1; i < COUNT_OF(words) - 1; i++)
		words[i] = "x";
	program_run(admin_run, words, &p);
	program_check(&p, "words", 2, NULL, "too many arguments");
}

/* Somebody has the store and no control socket. */
static void a_store_that_is_taken(void **state)
{
	static struct program p;

	(void)state;
	other_start(store_take);
	program_run(admin_run, WORDS("org", "list", "-c", conf_path), &p);
	program_check(&p, "taken", 1, NULL, w.path);
	other_stop();
	program_run(admin_run, WORDS("org", "list", "-c", conf_path), &p);
	program_check(&p, "free again", 0, "Acme\n", NULL);
}

static int server_answer(void *ctx, char **words, int word_count, struct buf *reply)
{
	struct buf text;

	(void)ctx;
	buf_init(&text, 256);
	for (int i = 0; i < word_count; i++)
		buf_format(&text, "[%s]", words[i]);
	const ssize_t sent = write(told[1], text.ptr, text.len + 1);

	buf_finish(&text);
	buf_text(reply, "from the server\n");
	return sent <= 0 || strcmp(words[0], "audit") == 0;
}

static void server_be(void)
{
	struct control *control = NULL;

	if (control_start(w.path, server_answer, NULL, &control, NULL) != ERR_OK)
		_exit(1);
}

static void with_a_server(void **state)
{
	static const struct {
		const char *words[12];
		int code;
		const char *request;
	} cases[] = {
		{ { "org", "add", "Two words", "-c", conf_path }, 0, "[org][add][Two words]" },
		{ { "key", "list", "-c", conf_path }, 0, "[key][list]" },
		{ { "key", "add", "o", "--scopes", "read", "-c", conf_path },
		  0,
		  "[key][add][o][read][live]" },
		{ { "key", "add", "o", "--test", "--scopes", "read", "-c", conf_path },
		  0,
		  "[key][add][o][read][test]" },
		/* The server decides what is a request, and the exit code. */
		{ { "org", "shout", "-c", conf_path }, 0, "[org][shout]" },
		{ { "audit", "-c", conf_path }, 1, "[audit]" },
	};
	static struct program p;

	(void)state;
	other_start(server_be);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const bool is_good = cases[i].code == 0;
		char request[256] = "";

		program_run(admin_run, cases[i].words, &p);
		program_check(&p, cases[i].request, cases[i].code,
			      is_good ? "from the server\n" : NULL,
			      is_good ? NULL : "from the server\n");
		assert_true(read(told[0], request, sizeof(request) - 1) > 0);
		assert_string_equal(request, cases[i].request);
	}
}

int main(void)
{
#define TEST(name)        cmocka_unit_test_setup_teardown(name, setup, teardown)
#define CLOSED_TEST(name) cmocka_unit_test_setup_teardown(name, closed_setup, closed_teardown)
	const struct CMUnitTest tests[] = {
		TEST(requests),
		TEST(the_life_of_a_key),
		TEST(an_audit_that_finds_something),
		CLOSED_TEST(without_a_server),
		CLOSED_TEST(too_many_words),
		CLOSED_TEST(a_store_that_is_taken),
		CLOSED_TEST(with_a_server),
	};

	log_level_set(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
