/* test_conf.c - tocsin.conf as a whole: files, defaults, faults, overrides.
 * SPDX-License-Identifier: MIT */
#include "conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

enum { PATH_BYTES = 200 };

static char folder[] = "/tmp/test-conf-XXXXXX";

static int folder_make(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int folder_remove(void **state)
{
	(void)state;
	return rmdir(folder);
}

static const char *path_of(const char *name)
{
	static char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void file_write(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void file_remove(const char *name)
{
	assert_int_equal(unlink(path_of(name)), 0);
}

struct loaded {
	struct conf conf;
	struct setting_faults faults;
	enum err rc;
};

static void load(struct loaded *l, const char *path, const char *const *overrides)
{
	char copy[PATH_BYTES];

	snprintf(copy, sizeof(copy), "%s", path);
	*l = (struct loaded){ .rc = ERR_OK };
	l->rc = conf_load(copy, overrides, &l->conf, &l->faults);
	assert_int_equal(l->rc, l->faults.count == 0 ? ERR_OK : ERR_BAD_REQUEST);
}

static void unload(struct loaded *l)
{
	conf_finish(&l->conf);
	conf_finish(&l->conf);
	setting_faults_finish(&l->faults);
}

static void load_text(struct loaded *l, const char *text, const char *const *overrides)
{
	file_write("t.conf", text);
	load(l, path_of("t.conf"), overrides);
	file_remove("t.conf");
}

static void expect_good(const struct loaded *l)
{
	if (l->faults.count > 0)
		fail_msg("unexpected fault: %s", l->faults.lines[0]);
}

static bool has_fault(const struct loaded *l, const char *want)
{
	for (size_t i = 0; i < l->faults.count; i++) {
		if (strstr(l->faults.lines[i], want) != NULL)
			return true;
	}
	return false;
}

static void expect_fault(const struct loaded *l, const char *want)
{
	if (has_fault(l, want))
		return;
	for (size_t i = 0; i < l->faults.count; i++)
		print_error("found: %s\n", l->faults.lines[i]);
	fail_msg("no such fault: %s", want);
}

static void defaults(void **state)
{
	struct loaded l;
	static const int64_t pauses_s[] = { 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400 };

	(void)state;
	load_text(&l, "", NULL);
	expect_good(&l);
	assert_string_equal(l.conf.store.path, TOCSIN_STATE_DIR "/tocsin.db");
	assert_string_equal(l.conf.server.socket, "unix:" TOCSIN_RUN_DIR "/tocsin.sock");
	assert_string_equal(l.conf.server.socket_mode, "0660");
	assert_string_equal(l.conf.plugin_folder, TOCSIN_PLUGIN_DIR);
	assert_string_equal(l.conf.log.level, "notice");
	assert_int_equal(l.conf.server.threads, 48);
	assert_int_equal(l.conf.server.stop_timeout_ms, 10000);
	assert_int_equal(l.conf.store.cache_bytes, 16 << 20);
	assert_int_equal(l.conf.api.body_max_bytes, 256 << 10);
	assert_int_equal(l.conf.api.batch_max_bytes, 8 << 20);
	assert_int_equal(l.conf.delivery.in_flight, 1000);
	assert_int_equal(l.conf.delivery.window_start, 8);
	assert_int_equal(l.conf.delivery.window_max, 64);
	assert_int_equal(l.conf.delivery.timeout_ms, 10000);
	assert_string_equal(l.conf.delivery.user_agent, "");
	assert_int_equal(l.conf.retry.pause_count, COUNT_OF(pauses_s));
	for (size_t i = 0; i < COUNT_OF(pauses_s); i++)
		assert_int_equal(l.conf.retry.pauses_ms[i], SECONDS_MS(pauses_s[i]));
	assert_int_equal(l.conf.retry.max_age_ms, DAYS_MS(5));
	assert_int_equal(l.conf.guard.guard.allowed_count, 0);
	assert_int_equal(l.conf.limits.webhooks, 1000);
	assert_int_equal(l.conf.events.types.count, 31);
	assert_string_equal(l.conf.events.types.items[0], "object.created");
	assert_int_equal(l.conf.events.closed, 0);
	assert_int_equal(l.conf.events.secret_overlap_ms, DAYS_MS(1));
	assert_int_equal(l.conf.channel_count, 0);
	unload(&l);
}

static void values_and_channels(void **state)
{
	struct loaded l;

	(void)state;
	load_text(&l,
		  "delivery : { in_flight = 5; timeout = \"2s\"; };\n"
		  "retry = { schedule = [ \"0\", \"1s\" ]; };\n"
		  "guard = { allow = [ \"127.0.0.0/8\", \"::1\" ]; };\n"
		  "events = { types = [ ]; closed = TRUE; };\n"
		  "channels = ( { name = \"a_b-1\"; plugin = \"/x/http.so\"; key = 7; },\n"
		  " { name = \"b\"; plugin = \"http.so\"; } );\n",
		  NULL);
	expect_good(&l);
	assert_int_equal(l.conf.delivery.in_flight, 5);
	assert_int_equal(l.conf.delivery.timeout_ms, 2000);
	assert_int_equal(l.conf.retry.pause_count, 2);
	assert_int_equal(l.conf.retry.pauses_ms[1], 1000);
	assert_int_equal(l.conf.guard.guard.allowed_count, 2);
	assert_int_equal(l.conf.guard.guard.allowed[0].bits, 104);
	assert_int_equal(l.conf.events.types.count, 0);
	assert_int_equal(l.conf.events.closed, 1);
	assert_int_equal(l.conf.channel_count, 2);
	assert_string_equal(l.conf.channels[0].name, "a_b-1");
	assert_string_equal(l.conf.channels[0].plugin, "/x/http.so");
	assert_string_equal(l.conf.channels[1].name, "b");
	assert_int_equal(
		config_setting_get_int(config_setting_get_member(l.conf.channels[0].group, "key")),
		7);
	unload(&l);
}

/* One file with many faults has them all, each with its place. */
static void all_faults_at_once(void **state)
{
	static const char *const wanted[] = {
		"t.conf:2: delivery.in_flight is 0; allowed is 1 to 100000",
		"t.conf:3: delivery.in_fligth is not known; did you mean delivery.in_flight?",
		"t.conf:4: delivery.timeout is the number 10 without a unit",
		"t.conf:5: delivery.queue_max is 4294967297; allowed is 1 to 1000000",
		"t.conf:6: delivery.window_start is 100; allowed is at most delivery.window_max",
		"t.conf:8: xyz is not known; allowed are plugin_folder, server, ",
		"t.conf:9: log.level is the text \"loud\"; allowed is one of error, warning, ",
		"t.conf:10: retry.schedule[1] is \"7x\"; allowed is a time",
		"t.conf:12: guard.allow[1] is \"10.0.0.1/8\"",
		"t.conf:13: server.socket is \"tcp:foo:99\"; allowed are unix:PATH",
		"t.conf:13: server.socket_mode is \"0999\"",
		"t.conf:14: store is no group; allowed is a group: store = { ... };",
		"t.conf:16: channels[1].name is \"a\" a second time",
		"and the first is at ",
		"t.conf:16: channels[1].plugin is the number 5",
		"t.conf:17: channels[2].name is missing; allowed is a text, 1 to 64 characters",
		"t.conf:17: channels[2].plugin is missing",
		"t.conf:18: channels[3] is no group",
		"t.conf:19: channels[4].name is \"A b\"; allowed are a-z, 0-9, _ and -",
	};
	struct loaded l;

	(void)state;
	load_text(&l,
		  "delivery = {\n in_flight = 0;\n in_fligth = 5;\n timeout = 10;\n"
		  " queue_max = 4294967297;\n window_start = 100;\n};\n"
		  "xyz = 1;\n"
		  "log = { level = \"loud\"; };\n"
		  "retry = { schedule = [ \"5s\", \"7x\" ]; };\n"
		  "guard = { allow = [ \"10.0.0.0/8\",\n \"10.0.0.1/8\" ]; };\n"
		  "server = { socket = \"tcp:foo:99\"; socket_mode = \"0999\"; };\n"
		  "store = [ 1 ];\n"
		  "channels = ( { name = \"a\"; plugin = \"p\"; },\n"
		  " { name = \"a\"; plugin = 5; },\n { x = 1; },\n 3,\n"
		  " { name = \"A b\"; plugin = \"p\"; } );\n",
		  NULL);
	for (size_t i = 0; i < COUNT_OF(wanted); i++)
		expect_fault(&l, wanted[i]);
	assert_int_equal(l.faults.count, COUNT_OF(wanted) - 1); /* two parts are of one line */
	unload(&l);
}

/* What stops the reading is one fault with the line where it begins. */
static void syntax_faults(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "log = {\n level = ;\n};\n", "t.conf:2: syntax error" },
		{ "log = { };\nlog = { };\n", "t.conf:2: duplicate setting name" },
		{ "a = 1;\nb = \"abc\n\n\n", "t.conf:2: syntax error: the text that begins here" },
		{ "\n/* a = 1;\n\n\n", "t.conf:2: syntax error: the comment that begins here" },
		{ "\n@include \"t.conf\"\n", "t.conf:2: @include \"t.conf\" is one too many" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct loaded l;

		load_text(&l, cases[i].text, NULL);
		expect_fault(&l, cases[i].want);
		assert_int_equal(l.faults.count, 1);
		unload(&l);
	}
}

/* Texts and comments are no settings, however they look. */
static void texts_and_comments_are_left_alone(void **state)
{
	struct loaded l;

	(void)state;
	load_text(&l,
		  "# @include \"none\" \"\n// 99999999999999999999 \" /*\n"
		  "/*\n@include \"none\"\n 99999999999999999999 \" */\n"
		  "server = { socket_group = \"a\\\"/* 99999999999999999999\"; };\r\n"
		  "log = { level = \"in\" /* and */ \"fo\"; }; // the end",
		  NULL);
	expect_good(&l);
	assert_string_equal(l.conf.server.socket_group, "a\"/* 99999999999999999999");
	assert_string_equal(l.conf.log.level, "info");
	unload(&l);
}

static void numbers_keep_their_size(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "4294967297", "delivery.in_flight is 4294967297;" },
		{ "-4294967297", "delivery.in_flight is -4294967297;" },
		{ "0xFFFFFFFFFF", "delivery.in_flight is 1099511627775;" },
		{ "4294967297L", "delivery.in_flight is 4294967297;" },
		{ "99999999999999999999", "the number here is too large" },
		{ "99999999999999999999L", "the number here is too large" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[200];
		struct loaded l;

		snprintf(text, sizeof(text), "delivery = { queue_max = 7; in_flight = %s; };",
			 cases[i].text);
		load_text(&l, text, NULL);
		expect_fault(&l, cases[i].want);
		assert_int_equal(l.conf.delivery.queue_max, 7);
		unload(&l);
	}
}

static void unreadable_files(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, path_of("none.conf"), NULL);
	expect_fault(&l, "none.conf: does not exist; give the configuration file with -c FILE");
	unload(&l);
	load(&l, folder, NULL);
	expect_fault(&l, "is a folder, not a file");
	unload(&l);
	load(&l, "/dev/null", NULL);
	expect_fault(&l, "is not a regular file");
	unload(&l);
	if (geteuid() == 0)
		return; /* root may read everything */
	file_write("t.conf", "");
	assert_int_equal(chmod(path_of("t.conf"), 0), 0);
	load(&l, path_of("t.conf"), NULL);
	expect_fault(&l, "may not be read by this user");
	unload(&l);
	file_remove("t.conf");
}

static void includes(void **state)
{
	char text[PATH_BYTES * 2];
	struct loaded l;

	(void)state;
	assert_int_equal(mkdir(path_of("sub"), 0700), 0);
	file_write("sub/api.conf", "\n# no newline at the end\n\napi = { depth_max = 7; x = 1; }");
	file_write("sub/level.conf", "level = \"debug\";\n");
	snprintf(text, sizeof(text),
		 "@include \"sub/api.conf\"\nlog = {\n  @include \"%s\"\n y = 1; };\n"
		 "@include \"none.conf\" # why not\n@include \"sub\"\nz = 1;\n",
		 path_of("sub/level.conf"));
	load_text(&l, text, NULL);
	assert_int_equal(l.conf.api.depth_max, 7);
	assert_string_equal(l.conf.log.level, "debug");
	assert_int_equal(l.faults.count, 5);
	expect_fault(&l, "sub/api.conf:4: api.x is not known");
	expect_fault(&l, "t.conf:4: log.y is not known");
	expect_fault(&l, "t.conf:5: @include \"none.conf\": ");
	expect_fault(&l, "t.conf:6: @include \"sub\": ");
	expect_fault(&l, "t.conf:7: z is not known");
	unload(&l);
	file_write("sub/api.conf", "\napi = { depth_max = ; }\n");
	load_text(&l, "\n\n\n@include \"sub/api.conf\"\n", NULL);
	expect_fault(&l, "sub/api.conf:2: syntax error");
	unload(&l);
	file_remove("sub/api.conf");
	file_remove("sub/level.conf");
	assert_int_equal(rmdir(path_of("sub")), 0);
}

static void paths_start_in_the_files_folder(void **state)
{
	static const char *const overrides[] = { "store.path=x.db", NULL };
	char here[PATH_BYTES];
	struct loaded l;
	char want[PATH_BYTES * 2];

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	load_text(&l,
		  "store = { path = \"a/b.db\"; };\nserver = { socket = \"unix:s\"; };\n"
		  "plugin_folder = \"/abs\";",
		  NULL);
	expect_good(&l);
	assert_string_equal(l.conf.store.path, path_of("a/b.db"));
	assert_ptr_equal(strstr(l.conf.server.socket, "unix:/"), l.conf.server.socket);
	assert_string_equal(l.conf.server.socket + 5, path_of("s"));
	assert_string_equal(l.conf.plugin_folder, "/abs");
	unload(&l);
	load_text(&l, "store = { path = \"a/b.db\"; };", overrides);
	expect_good(&l);
	snprintf(want, sizeof(want), "%s/x.db", strcmp(here, "/") == 0 ? "" : here);
	assert_string_equal(l.conf.store.path, want);
	unload(&l);
}

static void overrides(void **state)
{
	static const char *const good[] = {
		"delivery.in_flight=3",  "delivery.in_flight=4",  "log.level=debug",
		"guard.allow=::1/128",   "retry.schedule=1s, 2s", "plugin_folder=/p",
		"server.socket=inherit", "events.closed=true",    NULL,
	};
	static const char *const bad[] = {
		"delivery.in_flight",
		"delivery.nix=1",
		"nix=1",
		"=",
		"delivery.in_flight=0",
		"delivery=1",
		"channels=x",
		"guard.allow=x",
		"retry.schedule=1s,,5x",
		NULL,
	};
	struct loaded l;

	(void)state;
	load_text(&l, "delivery = { in_flight = 2; };", good);
	expect_good(&l);
	assert_int_equal(l.conf.delivery.in_flight, 4);
	assert_string_equal(l.conf.log.level, "debug");
	assert_int_equal(l.conf.guard.guard.allowed_count, 1);
	assert_int_equal(l.conf.retry.pause_count, 2);
	assert_string_equal(l.conf.plugin_folder, "/p");
	assert_string_equal(l.conf.server.socket, "inherit");
	assert_int_equal(l.conf.events.closed, 1);
	unload(&l);
	load_text(&l, "retry = { schedule = [ \"1s\" ]; };", bad);
	for (size_t i = 0; i < l.faults.count; i++)
		assert_ptr_equal(strstr(l.faults.lines[i], "command line: "), l.faults.lines[i]);
	expect_fault(&l, "delivery.in_flight has no value; allowed is group.key=value");
	expect_fault(&l, "delivery.nix is not known");
	expect_fault(&l, "delivery.in_flight is 0; allowed is 1 to 100000");
	expect_fault(&l, "guard.allow[0] is \"x\"");
	expect_fault(&l, "retry.schedule[1] is \"\"");
	assert_int_equal(l.faults.count, COUNT_OF(bad) - 1 + 1); /* two times are wrong */
	unload(&l);
}

static void sockets(void **state)
{
	static const struct {
		const char *socket;
		bool good;
	} cases[] = {
		{ "inherit", true },
		{ "unix:/run/x", true },
		{ "tcp:127.0.0.1:9000", true },
		{ "tcp:[::1]:9000", true },
		{ "unix:", false },
		{ "", false },
		{ "tcp:localhost:9", false },
		{ "tcp:127.0.0.1", false },
		{ "tcp:127.0.0.1:0", false },
		{ "tcp:127.0.0.1:65536", false },
		{ "tcp:::1:9000", false },
		{ "tcp::9", false },
		{ "tcp:[]:9", false },
		{ "/run/x", false },
		{ "INHERIT", false },
		{ "unix:/123456789/123456789/123456789/123456789/123456789/123456789/123456789/"
		  "123456789/123456789/123456789/12345678",
		  false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[PATH_BYTES];
		struct loaded l;

		snprintf(text, sizeof(text), "server = { socket = \"%s\"; };", cases[i].socket);
		load_text(&l, text, NULL);
		if ((l.faults.count == 0) != cases[i].good)
			fail_msg("%s: %zu faults", cases[i].socket, l.faults.count);
		unload(&l);
	}
}

static void user_agent_is_fit_for_a_header(void **state)
{
	struct loaded l;

	(void)state;
	load_text(&l, "delivery = { user_agent = \"a\\r\\nX: b\"; };", NULL);
	expect_fault(&l, "delivery.user_agent has a character that no header may have");
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(values_and_channels),
		cmocka_unit_test(all_faults_at_once),
		cmocka_unit_test(syntax_faults),
		cmocka_unit_test(texts_and_comments_are_left_alone),
		cmocka_unit_test(numbers_keep_their_size),
		cmocka_unit_test(unreadable_files),
		cmocka_unit_test(includes),
		cmocka_unit_test(paths_start_in_the_files_folder),
		cmocka_unit_test(overrides),
		cmocka_unit_test(sockets),
		cmocka_unit_test(user_agent_is_fit_for_a_header),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
