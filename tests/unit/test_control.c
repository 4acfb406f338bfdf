/* test_control.c - both ends of the control socket, and peers that misbehave.
 * SPDX-License-Identifier: MIT */
#include "main/control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/log.h"
#include "base/mem.h"
#include "main/unix_path.h"

#include "files.h"

static char folder[FILE_PATH_BYTES];
static char store_path[FILE_PATH_BYTES + 8], socket_path[FILE_PATH_BYTES + 16];
static struct control *control;

/* What the requests mean here. "echo" tells its words, "code" gives one, "long"
 * gives so many bytes, "wait" says that it has begun and waits for the gate. */
static int gate[2], begun[2];

static int answer(void *ctx, char **words, int word_count, struct buf *out)
{
	char byte;

	*(int *)ctx += 1;
	if (strcmp(words[0], "code") == 0)
		return (int)strtol(words[1], NULL, 10);
	if (strcmp(words[0], "long") == 0) {
		for (long i = strtol(words[1], NULL, 10); i > 0; i--)
			buf_byte(out, (char)('a' + i % 23));
		return 0;
	}
	if (strcmp(words[0], "wait") == 0 &&
	    (write(begun[1], "b", 1) != 1 || read(gate[0], &byte, 1) != 1))
		return 99;
	for (int i = 0; i < word_count; i++)
		buf_format(out, "[%s]", words[i]);
	return 0;
}

static int asked; /* requests that were carried out */

static void start(void)
{
	struct why why = { "" };

	if (control_start(store_path, answer, &asked, &control, &why) != ERR_OK)
		fail_msg("%s", why.text);
}

static int setup(void **state)
{
	(void)state;
	folder_create(folder);
	snprintf(store_path, sizeof(store_path), "%s/t.db", folder);
	snprintf(socket_path, sizeof(socket_path), "%s.ctl", store_path);
	assert_int_equal(pipe(gate), 0);
	assert_int_equal(pipe(begun), 0);
	asked = 0;
	start();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_true(control_stop(control, 5000));
	control = NULL;
	close(gate[0]);
	close(gate[1]);
	close(begun[0]);
	close(begun[1]);
	return rmdir(folder); /* fails when the socket was left */
}

/* Ask for words; the reply's text in out. */
static enum err ask(char *const *words, int count, int *code, struct buf *out)
{
	struct why why = { "" };

	buf_clear(out);
	*code = -1;
	const enum err rc = control_ask(store_path, words, count, code, out, &why);

	assert_int_equal(why.text[0] != '\0', rc != ERR_OK);
	return rc;
}

/* One word and perhaps another; its text must be this. */
static void ask_check(const char *first, const char *second, int want_code, const char *want)
{
	char *words[] = { (char *)(uintptr_t)first, (char *)(uintptr_t)second };
	struct buf out;
	int code;

	buf_init(&out, CONTROL_REPLY_MAX_BYTES);
	const enum err rc = ask(words, second == NULL ? 1 : 2, &code, &out);

	if (rc != ERR_OK || code != want_code || strcmp(out.ptr == NULL ? "" : out.ptr, want) != 0)
		fail_msg("%s: %s, exit %d: %s", first, err_text(rc), code, out.ptr);
	buf_finish(&out);
}

/* --- Questions and answers ------------------------------------------------------- */

static void replies(void **state)
{
	static const struct {
		const char *first, *second;
		int code;
		const char *text;
	} cases[] = {
		{ "echo", NULL, 0, "[echo]" },
		{ "echo", "", 0, "[echo][]" },
		{ "echo", "two words \xC3\xBC\n", 0, "[echo][two words \xC3\xBC\n]" },
		{ "code", "0", 0, "" },
		{ "code", "2", 2, "" },
		{ "code", "255", 255, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		ask_check(cases[i].first, cases[i].second, cases[i].code, cases[i].text);
	assert_int_equal(asked, COUNT_OF(cases));
}

/* Far more than a socket's buffer holds. */
static void long_replies(void **state)
{
	char word[] = "long", bytes[] = "3000000";
	char *words[] = { word, bytes };
	struct buf out;
	int code;

	(void)state;
	buf_init(&out, CONTROL_REPLY_MAX_BYTES);
	assert_int_equal(ask(words, 2, &code, &out), ERR_OK);
	assert_int_equal(code, 0);
	assert_int_equal(out.len, 3000000);
	for (size_t i = 0; i < out.len; i++) {
		if (out.ptr[i] != (char)('a' + (3000000 - i) % 23))
			fail_msg("byte %zu", i);
	}
	buf_finish(&out);
	/* The asker's own cap. */
	buf_init(&out, 100);
	assert_int_equal(control_ask(store_path, words, 2, &code, &out, NULL), ERR_TOO_BIG);
	buf_finish(&out);
}

static void as_many_words_as_there_may_be(void **state)
{
	char word[] = "echo";
	char *words[CONTROL_WORDS_MAX + 1];
	struct buf out;
	int code;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		words[i] = word;
	buf_init(&out, CONTROL_REPLY_MAX_BYTES);
	assert_int_equal(ask(words, CONTROL_WORDS_MAX, &code, &out), ERR_OK);
	assert_int_equal(out.len, CONTROL_WORDS_MAX * 6);
	assert_int_equal(asked, 1);
	assert_int_equal(ask(words, CONTROL_WORDS_MAX + 1, &code, &out), ERR_IO);
	assert_int_equal(asked, 1);
	buf_finish(&out);
}

static void as_long_a_request_as_may_be(void **state)
{
	static char text[CONTROL_REQUEST_MAX_BYTES + 1];
	char word[] = "echo";
	char *words[] = { word, text };
	struct buf out;
	int code;

	(void)state;
	buf_init(&out, CONTROL_REPLY_MAX_BYTES);
	memset(text, 'x', sizeof(text) - 1);
	/* Both words' ends count. */
	text[CONTROL_REQUEST_MAX_BYTES - 6] = '\0';
	assert_int_equal(ask(words, 2, &code, &out), ERR_OK);
	assert_int_equal(asked, 1);
	text[CONTROL_REQUEST_MAX_BYTES - 6] = 'x';
	text[CONTROL_REQUEST_MAX_BYTES - 5] = '\0';
	assert_int_equal(ask(words, 2, &code, &out), ERR_TOO_BIG);
	assert_int_equal(asked, 1);
	buf_finish(&out);
}

/* --- Who may --------------------------------------------------------------------- */

static void only_its_user_may_connect(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(lstat(socket_path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void no_server(void **state)
{
	char word[] = "echo";
	char *words[] = { word };
	struct buf out;
	int code;

	(void)state;
	buf_init(&out, 100);
	assert_true(control_stop(control, 5000));
	control = NULL;
	assert_int_equal(ask(words, 1, &code, &out), ERR_NOT_FOUND);
	/* A file that was left over by a crash is no server, and no obstacle. */
	struct unix_path p;
	const int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(unix_path_open(socket_path, &p, NULL), ERR_OK);
	assert_int_equal(bind(stale, (const struct sockaddr *)&p.address, p.address_bytes), 0);
	unix_path_close(&p);
	close(stale);
	assert_int_equal(ask(words, 1, &code, &out), ERR_NOT_FOUND);
	start();
	assert_int_equal(ask(words, 1, &code, &out), ERR_OK);
	buf_finish(&out);
}

static void start_without_a_folder(void **state)
{
	struct control *other = NULL;
	struct why why = { "" };

	(void)state;
	assert_int_not_equal(control_start("/nowhere/at/all/t.db", answer, &asked, &other, &why),
			     ERR_OK);
	assert_null(other);
	assert_non_null(strstr(why.text, "t.db.ctl"));
	assert_true(control_stop(NULL, 0));
}

/* --- Peers that misbehave -------------------------------------------------------- */

static int peer_open(void)
{
	const int fd = unix_path_connect(socket_path);

	assert_true(fd >= 0);
	return fd;
}

/* The server has closed it without a byte. */
static void peer_must_be_dropped(int fd, const char *label)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char byte;

	if (poll(&wait, 1, 10000) != 1 || read(fd, &byte, 1) > 0)
		fail_msg("%s: not dropped", label);
	close(fd);
}

static void requests_that_are_none(void **state)
{
	static const struct {
		const char *label;
		struct span bytes;
	} cases[] = {
		{ "nothing", { "", 0 } },
		{ "no end of a word", { "echo", 4 } },
		{ "no end of the last word", { "echo\0x", 6 } },
	};
	static char many[CONTROL_WORDS_MAX * 2 + 2], large[CONTROL_REQUEST_MAX_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const int fd = peer_open();

		assert_int_equal(send(fd, cases[i].bytes.ptr, cases[i].bytes.len, MSG_NOSIGNAL),
				 cases[i].bytes.len);
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		peer_must_be_dropped(fd, cases[i].label);
	}
	for (size_t i = 0; i < sizeof(many); i += 2)
		many[i] = 'x';
	int fd = peer_open();

	assert_int_equal(send(fd, many, sizeof(many), MSG_NOSIGNAL), sizeof(many));
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	peer_must_be_dropped(fd, "too many words");
	/* Past the cap it is dropped although it has not ended. */
	fd = peer_open();
	assert_int_equal(send(fd, large, sizeof(large), MSG_NOSIGNAL), sizeof(large));
	peer_must_be_dropped(fd, "too large");
	assert_int_equal(asked, 0);
	ask_check("echo", NULL, 0, "[echo]");
}

/* More of them than there are places: the oldest silent ones make room, the others
 * are not waited for. */
static void silent_ones_delay_nobody(void **state)
{
	enum { SILENT = 48, PLACES = 32 };
	struct pollfd silent[SILENT];
	int dropped = 0;

	(void)state;
	for (size_t i = 0; i < SILENT; i++) {
		silent[i] = (struct pollfd){ .fd = peer_open(), .events = POLLIN };
		assert_int_equal(send(silent[i].fd, "echo", 4, MSG_NOSIGNAL), 4);
	}
	ask_check("echo", NULL, 0, "[echo]");
	/* Those that are out of time would be dropped all together. */
	dropped = poll(silent, SILENT, 0);
	assert_int_equal(dropped, SILENT + 1 - PLACES);
	for (size_t i = 0; i < SILENT; i++) {
		assert_int_equal(silent[i].revents != 0, i < (size_t)dropped);
		close(silent[i].fd);
	}
	ask_check("echo", "again", 0, "[echo][again]");
}

static void a_request_in_pieces(void **state)
{
	static const char *const pieces[] = { "ec", "ho", "\0", "w\0" };
	static const size_t lens[] = { 2, 2, 1, 2 };
	const int fd = peer_open();
	char reply[64] = "";
	ssize_t n = 1;
	size_t len = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		assert_int_equal(send(fd, pieces[i], lens[i], MSG_NOSIGNAL), lens[i]);
		/* Another request comes in between. */
		ask_check("code", "3", 3, "");
	}
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	while (n > 0 && len < sizeof(reply)) {
		n = read(fd, reply + len, sizeof(reply) - len);
		len += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(len, 1 + strlen("[echo][w]"));
	assert_memory_equal(reply, "\0[echo][w]", len);
	close(fd);
}

/* --- Stopping -------------------------------------------------------------------- */

static void *waiter_run(void *arg)
{
	char word[] = "wait";
	char *words[] = { word };
	struct buf out;
	int code = -1;

	buf_init(&out, 100);
	*(enum err *)arg = control_ask(store_path, words, 1, &code, &out, NULL);
	buf_finish(&out);
	return NULL;
}

/* What is being carried out is not cut off: the caller is told that it still uses
 * what it was given, and may come back. */
static void stop_during_a_request(void **state)
{
	enum err rc = ERR_OK;
	pthread_t waiter;
	struct stat st;
	char byte;

	(void)state;
	assert_int_equal(pthread_create(&waiter, NULL, waiter_run, &rc), 0);
	assert_int_equal(read(begun[0], &byte, 1), 1);
	assert_false(control_stop(control, 0));
	assert_int_equal(lstat(socket_path, &st), -1); /* nobody new comes in */
	assert_int_equal(write(gate[1], "g", 1), 1);
	assert_true(control_stop(control, 5000));
	control = NULL;
	pthread_join(waiter, NULL);
	assert_int_equal(asked, 1);
	start();
	ask_check("echo", NULL, 0, "[echo]");
}

/* Peers that wait do not hold a stop up. */
static void stop_before_a_request(void **state)
{
	const int silent = peer_open();

	(void)state;
	ask_check("echo", NULL, 0, "[echo]");
	assert_true(control_stop(control, 5000));
	control = NULL;
	peer_must_be_dropped(silent, "at the stop");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(replies),
		TEST(long_replies),
		TEST(as_many_words_as_there_may_be),
		TEST(as_long_a_request_as_may_be),
		TEST(only_its_user_may_connect),
		TEST(no_server),
		TEST(start_without_a_folder),
		TEST(requests_that_are_none),
		TEST(silent_ones_delay_nobody),
		TEST(a_request_in_pieces),
		TEST(stop_during_a_request),
		TEST(stop_before_a_request),
	};

	log_level_set(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
