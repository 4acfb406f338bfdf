/* test_serve.c - the service as a whole: it starts in order or says why not, and
 * stops in order on a signal. Each runs in a child.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "main/command.h"
#include "main/control.h"
#include "main/unix_path.h"

#include "program.h"

enum { WAIT_MS = 20000 };

static char folder[FILE_PATH_BYTES];
static char conf_path[FILE_PATH_BYTES + 16], store_path[FILE_PATH_BYTES + 16],
	socket_path[FILE_PATH_BYTES + 16], notify_path[FILE_PATH_BYTES + 16];
static int manager; /* the service manager's socket */

/* One child that runs, with what it says on stderr. */
static pid_t child;
static int child_err;

static void conf_write(const char *more)
{
	char text[4 * FILE_PATH_BYTES];
	const int len = snprintf(text, sizeof(text),
				 "store = { path = \"%s\"; };\n"
				 "server = { socket = \"unix:%s\"; threads = 2; };\n%s",
				 store_path, socket_path, more);

	file_write(conf_path, text, (size_t)len);
}

static int setup(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)state;
	folder_create(folder);
	snprintf(conf_path, sizeof(conf_path), "%s/tocsin.conf", folder);
	snprintf(store_path, sizeof(store_path), "%s/t.db", folder);
	snprintf(socket_path, sizeof(socket_path), "%s/s", folder);
	snprintf(notify_path, sizeof(notify_path), "%s/n", folder);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(strlen(notify_path) < sizeof(a.sun_path));
	memcpy(a.sun_path, notify_path, strlen(notify_path));
	assert_int_equal(bind(manager, (struct sockaddr *)&a, sizeof(a)), 0);
	setenv("NOTIFY_SOCKET", notify_path, 1);
	conf_write("");
	child = -1;
	return 0;
}

/* What a service keeps for its next start; not the sockets, which it must remove. */
static void files_remove(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	struct stat st;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
}

static int teardown(void **state)
{
	(void)state;
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	close(manager);
	unsetenv("NOTIFY_SOCKET");
	unlink(notify_path);
	files_remove();
	return rmdir(folder); /* fails when it left a socket */
}

/* --- Running one ----------------------------------------------------------------- */

static void child_start(void)
{
	child_err = program_file();
	child = program_start(serve_run, WORDS("serve", "-c", conf_path), child_err, child_err);
}

/* The next thing that the manager is told. */
static void told_check(const char *want)
{
	struct pollfd wait = { .fd = manager, .events = POLLIN };
	char got[64] = "";

	if (poll(&wait, 1, WAIT_MS) != 1 || recv(manager, got, sizeof(got) - 1, 0) < 0 ||
	    strcmp(got, want) != 0)
		fail_msg("told \"%s\" instead of %s", got, want);
}

/* It has ended with this code; what it said goes to text. */
static void end_check(int code, char text[PROGRAM_TEXT_BYTES])
{
	int status = 0;

	assert_int_equal(waitpid(child, &status, 0), child);
	child = -1;
	program_text(child_err, text);
	if (program_code(status) != code)
		fail_msg("exit %d instead of %d: %s", program_code(status), code, text);
}

static void signals_stop_it(void **state)
{
	static const struct {
		int number;
		const char *says;
	} cases[] = {
		{ SIGTERM, "stopping signal=15" },
		{ SIGINT, "stopping signal=2" },
		{ SIGHUP, "stopping signal=1" },
	};
	static char text[PROGRAM_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct stat st;

		child_start();
		told_check("READY=1");
		/* Ready means that both doors are open. */
		const int fd = unix_path_connect(socket_path);

		assert_true(fd >= 0);
		close(fd);
		assert_int_equal(kill(child, cases[i].number), 0);
		told_check("STOPPING=1");
		end_check(0, text);
		assert_non_null(strstr(text, "ready socket=unix:"));
		if (strstr(text, cases[i].says) == NULL || strstr(text, "stopped ms=") == NULL)
			fail_msg("%s", text);
		assert_int_equal(lstat(socket_path, &st), -1);
		/* The books are closed: nothing is left to recover. */
		char wal[FILE_PATH_BYTES + 32];

		snprintf(wal, sizeof(wal), "%s-wal", store_path);
		assert_true(stat(wal, &st) != 0 || st.st_size == 0);
	}
}

/* The control socket serves the administrator's commands, the store's lock is held. */
static void administration(void **state)
{
	static char text[PROGRAM_TEXT_BYTES];
	static struct program p;
	char org[] = "org", add[] = "add", name[] = "Acme";
	char *words[] = { org, add, name };
	struct buf out;
	int code = -1;

	(void)state;
	child_start();
	told_check("READY=1");
	buf_init(&out, 4096);
	assert_int_equal(control_ask(store_path, words, 3, &code, &out, NULL), ERR_OK);
	assert_int_equal(code, 0);
	assert_memory_equal(out.ptr, "org_", 4);
	buf_finish(&out);
	/* A second one on the same store gives up, and the first one goes on. */
	program_run(serve_run, WORDS("serve", "-c", conf_path), &p);
	assert_int_equal(p.code, 1);
	assert_non_null(strstr(p.err, "start failed: "));
	program_run(admin_run, WORDS("org", "list", "-c", conf_path), &p);
	program_check(&p, "list", 0, "Acme\n", NULL);
	kill(child, SIGTERM);
	end_check(0, text);
	/* And without it the subcommand opens the store itself. */
	program_run(admin_run, WORDS("org", "list", "-c", conf_path), &p);
	program_check(&p, "list", 0, "Acme\n", NULL);
}

/* kill -9: the next start cleans up and is ready. */
static void killed(void **state)
{
	static char text[PROGRAM_TEXT_BYTES];

	(void)state;
	child_start();
	told_check("READY=1");
	kill(child, SIGKILL);
	end_check(128 + SIGKILL, text);
	child_start();
	told_check("READY=1");
	kill(child, SIGTERM);
	told_check("STOPPING=1");
	end_check(0, text);
}

/* --- Starts that fail ------------------------------------------------------------ */

static void starts_that_fail(void **state)
{
	static const struct {
		const char *label, *words[6];
		int code;
		const char *says;
	} cases[] = {
		{ "a word", { "serve", "now" }, 2, "serve takes no argument but" },
		{ "no option", { "serve", "-x" }, 2, "-x: no such option" },
		{ "no configuration", { "serve", "-c", "/nowhere/x" }, 1, "nothing was started" },
		{ "faults",
		  { "serve", "-c", conf_path, "-o", "server.threads=0" },
		  1,
		  "the configuration has faults" },
		{ "no folder for the store",
		  { "serve", "-c", conf_path, "-o", "store.path=/nowhere/t.db" },
		  1,
		  "start failed: " },
		{ "no folder for the socket",
		  { "serve", "-c", conf_path, "-o", "server.socket=unix:/nowhere/s" },
		  1,
		  "start failed: " },
		{ "no socket was passed",
		  { "serve", "-c", conf_path, "-o", "server.socket=inherit" },
		  1,
		  "nobody passed us a listening socket" },
	};
	static struct program p;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct stat st;

		program_run(serve_run, cases[i].words, &p);
		program_check(&p, cases[i].label, cases[i].code, NULL, cases[i].says);
		assert_null(strstr(p.err, "ready "));
		assert_int_equal(lstat(socket_path, &st), -1);
	}
	/* Nobody was told that it is ready. */
	struct pollfd wait = { .fd = manager, .events = POLLIN };

	assert_int_equal(poll(&wait, 1, 0), 0);
}

static void a_plugin_that_is_missing(void **state)
{
	static struct program p;

	(void)state;
	conf_write("channels = ({ name = \"a\"; plugin = \"/nowhere/a.so\"; },"
		   " { name = \"b\"; plugin = \"/nowhere/b.so\"; });\n");
	program_run(serve_run, WORDS("serve", "-c", conf_path), &p);
	program_check(&p, "plugins", 1, NULL, "a channel cannot be opened");
	assert_non_null(strstr(p.err, "/nowhere/a.so"));
	assert_non_null(strstr(p.err, "/nowhere/b.so"));
}

static void a_store_that_is_none(void **state)
{
	static struct program p;

	(void)state;
	file_write(store_path, "this is no database, whatever it is called", 42);
	program_run(serve_run, WORDS("serve", "-c", conf_path), &p);
	program_check(&p, "store", 1, NULL, store_path);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(signals_stop_it),  TEST(administration),           TEST(killed),
		TEST(starts_that_fail), TEST(a_plugin_that_is_missing), TEST(a_store_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
