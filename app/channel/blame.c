/* blame.c - strikes: kept in a mapped file, counted by a signal handler.
 * SPDX-License-Identifier: MIT
 * The handler calls nothing that is not async-signal-safe. Records are taken
 * with atomics: two threads may die at once. Any thread. */
#include "channel/blame.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { RECORDS = 256, STACK_BYTES = 64 * 1024, LINE_BYTES = 400 };

/* "tocsinS1": another content is no file of ours. */
static const uint64_t MAGIC = UINT64_C(0x31536e6973636f74);

struct record {
	_Atomic int64_t delivery; /* 0: free */
	_Atomic uint32_t strikes;
	uint32_t unused;
};

struct ledger {
	uint64_t magic;
	struct record records[RECORDS];
};

/* What this thread is inside of. */
struct inside {
	volatile int64_t delivery;
	const char *volatile channel;
	const char *volatile plugin;
	const char *volatile call;
};

static struct ledger *ledger;
static _Atomic unsigned struck; /* records in use: nearly always none */
static _Thread_local struct inside inside;
static _Thread_local void *handler_stack;

static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
static struct sigaction before[COUNT_OF(fatal)];

/* --- Records ------------------------------------------------------------------ */

static struct record *record_find(int64_t delivery)
{
	if (atomic_load_explicit(&struck, memory_order_relaxed) == 0)
		return NULL;
	for (size_t i = 0; ledger != NULL && i < RECORDS; i++) {
		if (atomic_load_explicit(&ledger->records[i].delivery, memory_order_relaxed) ==
		    delivery)
			return &ledger->records[i];
	}
	return NULL;
}

static void strike_add(int64_t delivery)
{
	struct record *r = record_find(delivery);

	for (size_t i = 0; ledger != NULL && r == NULL && i < RECORDS; i++) {
		int64_t none = 0;

		if (!atomic_compare_exchange_strong(&ledger->records[i].delivery, &none, delivery))
			continue;
		r = &ledger->records[i];
		atomic_store(&r->strikes, 0);
		atomic_fetch_add(&struck, 1);
	}
	if (r != NULL)
		atomic_fetch_add(&r->strikes, 1);
}

unsigned blame_strikes(int64_t delivery)
{
	const struct record *r = delivery == 0 ? NULL : record_find(delivery);

	return r == NULL ? 0 : atomic_load_explicit(&r->strikes, memory_order_relaxed);
}

void blame_forget(int64_t delivery)
{
	struct record *r = delivery == 0 ? NULL : record_find(delivery);

	if (r == NULL)
		return;
	atomic_store(&r->strikes, 0);
	atomic_store(&r->delivery, 0);
	atomic_fetch_sub(&struck, 1);
}

/* --- The handler ------------------------------------------------------------------ */

struct line {
	char text[LINE_BYTES];
	size_t len;
};

static void line_add(struct line *l, const char *text)
{
	for (; text != NULL && *text != '\0' && l->len < sizeof(l->text) - 1; text++)
		l->text[l->len++] = *text;
}

static const char *signal_name(int number)
{
	switch (number) {
	case SIGSEGV: return "SIGSEGV";
	case SIGBUS: return "SIGBUS";
	case SIGILL: return "SIGILL";
	case SIGFPE: return "SIGFPE";
	case SIGABRT: return "SIGABRT";
	}
	return "a fatal signal";
}

static void died_tell(int number)
{
	struct line l = { .len = 0 };
	char now[TIME_TEXT_BYTES];

	/* As base/log writes lines; that one takes a lock. */
	time_format(clock_wall_us(), now);
	line_add(&l, now);
	line_add(&l, " error died of ");
	line_add(&l, signal_name(number));
	if (inside.plugin != NULL) {
		line_add(&l, " inside plugin=");
		line_add(&l, inside.plugin);
		line_add(&l, " channel=");
		line_add(&l, inside.channel);
		line_add(&l, " call=");
		line_add(&l, inside.call);
		line_add(&l, inside.delivery != 0
				     ? "; the delivery in it gets a strike, three fail it"
				     : "");
	}
	line_add(&l, "\n");
	(void)!write(STDERR_FILENO, l.text, l.len);
}

static void signal_take(int number, siginfo_t *info, void *context)
{
	const int saved = errno;

	(void)context;
	if (inside.delivery != 0)
		strike_add(inside.delivery);
	died_tell(number);
	/* Back to what was there: the faulting instruction runs again, or the signal,
	 * where somebody sent it, comes again; the process ends as it would have. */
	for (size_t i = 0; i < COUNT_OF(fatal); i++) {
		if (fatal[i] == number)
			sigaction(number, &before[i], NULL);
	}
	if (info->si_code <= 0)
		raise(number);
	errno = saved;
}

static void handlers_install(void)
{
	struct sigaction action = { .sa_sigaction = signal_take,
				    .sa_flags = SA_ONSTACK | SA_SIGINFO };

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < COUNT_OF(fatal); i++)
		sigaction(fatal[i], &action, &before[i]);
}

/* --- Threads --------------------------------------------------------------------------- */

void blame_thread_begin(void)
{
	stack_t stack = { .ss_size = STACK_BYTES };

	if (handler_stack != NULL)
		return;
	handler_stack = xmalloc(STACK_BYTES);
	stack.ss_sp = handler_stack;
	if (sigaltstack(&stack, NULL) != 0) {
		free(handler_stack);
		handler_stack = NULL;
	}
}

void blame_thread_end(void)
{
	const stack_t none = { .ss_flags = SS_DISABLE };

	if (handler_stack == NULL)
		return;
	sigaltstack(&none, NULL);
	free(handler_stack);
	handler_stack = NULL;
}

void blame_enter(int64_t delivery, const char *channel, const char *plugin, const char *call)
{
	inside.channel = channel;
	inside.call = call;
	inside.delivery = delivery;
	atomic_signal_fence(memory_order_seq_cst);
	inside.plugin = plugin;
	atomic_signal_fence(memory_order_seq_cst);
}

void blame_leave(void)
{
	atomic_signal_fence(memory_order_seq_cst);
	inside.plugin = NULL;
	inside.delivery = 0;
}

/* --- The file ---------------------------------------------------------------------------- */

static enum err ledger_map(int fd, const char *path, struct why *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    ftruncate(fd, (off_t)sizeof(struct ledger)) != 0) {
		why_set(why, "%s: %s", path, strerror(errno));
		return ERR_IO;
	}
	void *at = mmap(NULL, sizeof(struct ledger), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED) {
		why_set(why, "%s: %s", path, strerror(errno));
		return ERR_IO;
	}
	ledger = at;
	if (ledger->magic != MAGIC) {
		memset(ledger, 0, sizeof(*ledger));
		ledger->magic = MAGIC;
	}
	for (size_t i = 0; i < RECORDS; i++)
		struck += ledger->records[i].delivery != 0;
	return ERR_OK;
}

enum err blame_open(const char *path, struct why *why)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		why_set(why, "%s: %s", path, strerror(errno));
		return ERR_IO;
	}
	const enum err rc = ledger_map(fd, path, why);

	close(fd);
	if (rc == ERR_OK)
		handlers_install();
	return rc;
}

void blame_close(void)
{
	if (ledger == NULL)
		return;
	for (size_t i = 0; i < COUNT_OF(fatal); i++)
		sigaction(fatal[i], &before[i], NULL);
	munmap(ledger, sizeof(*ledger));
	ledger = NULL;
	struck = 0;
}
