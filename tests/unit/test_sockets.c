/* test_sockets.c - a wake is never lost, also one in the middle of a turn.
 * SPDX-License-Identifier: MIT */
#include "delivery/sockets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sockets *woken_while_reading; /* NULL: nobody wakes then */

/* In the place of libc's: another thread's wake, at the moment the loop drains
 * the wakes before it. */
ssize_t read(int fd, void *buf, size_t bytes)
{
	struct sockets *s = woken_while_reading;

	woken_while_reading = NULL;
	if (s != NULL)
		sockets_wake(s);
	return syscall(SYS_read, fd, buf, bytes);
}

static void wakes_end_a_wait(void **state)
{
	struct sockets *s = sockets_create(1, NULL);

	(void)state;
	assert_non_null(s);
	alarm(20); /* a lost wake would wait for ever */
	for (int i = 0; i < 3; i++) {
		sockets_doze(s);
		sockets_wake(s);
		sockets_wake(s);
		sockets_poll(s, INT32_MAX);
	}
	alarm(0);
	sockets_destroy(s);
}

static void a_wake_in_the_middle_loses_none(void **state)
{
	struct sockets *s = sockets_create(1, NULL);

	(void)state;
	assert_non_null(s);
	alarm(20);
	sockets_doze(s);
	sockets_wake(s);
	woken_while_reading = s;
	sockets_poll(s, INT32_MAX);
	assert_null(woken_while_reading);
	sockets_doze(s);
	sockets_wake(s); /* once, this one was not written */
	sockets_poll(s, INT32_MAX);
	alarm(0);
	sockets_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wakes_end_a_wait),
		cmocka_unit_test(a_wake_in_the_middle_loses_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
