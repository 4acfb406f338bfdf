/* resolve.c - the pool of threads that look names up, and the cache of answers.
 * Not here: what the addresses are used for, which attempt waits for a name.
 * The cache and the guard are touched by the engine's thread only; struct pool
 * is shared under its lock and outlives the resolver while a lookup is stuck.
 * SPDX-License-Identifier: MIT */
#include "delivery/resolve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "base/metrics.h"

enum {
	STACK_BYTES = 256 * 1024,
	BUCKETS = 16384, /* a power of two */
	CACHE_SOFT = 20000,
	CACHE_HARD = 2 * CACHE_SOFT,
	ADDRESSES_MAX = 8,
	ADDRESS_TEXT = INET6_ADDRSTRLEN + 3, /* brackets and a comma */
	FRESH_MS = 60 * 1000,
	STALE_MS = 24 * 60 * 60 * 1000,
	FAILED_MIN_MS = 10 * 1000,
	FAILED_MAX_MS = 60 * 1000,
	LOOKUP_MAX_MS = 30 * 1000,
	UNUSED_MS = 10 * 60 * 1000,
	SWEEP_MS = 10 * 1000
};

struct job {
	struct job *next;
	char *host;
	bool proven; /* resolved the last time: may use any thread */
	uint64_t number;
	int rc;
	struct addrinfo *found;
};

struct queue {
	struct job *head;
	struct job *tail;
	size_t count;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	unsigned refs; /* the resolver and each thread */
	bool closed;
	resolve_fn fn;
	void (*wake)(void *ctx);
	void *ctx;
	unsigned limit;
	unsigned doubtful_limit;
	unsigned threads;
	unsigned idle;
	unsigned doubtful_busy;
	uint64_t numbers;
	struct queue proven;
	struct queue doubtful;
	struct queue done;
};

struct entry {
	struct entry *next;
	struct entry *older; /* names being looked up, by when they were asked */
	struct entry *newer;
	char *host;
	enum resolve_state state; /* PENDING: no answer yet */
	char *addresses;
	char *reason;
	unsigned failures; /* in a row */
	int64_t found_ms;
	int64_t refresh_ms;
	int64_t used_ms;
	int64_t asked_ms;
	bool looking;
	bool late;
};

struct resolver {
	struct pool *pool;
	const struct guard *guard;
	struct entry **buckets;
	size_t count;
	uint64_t seed;
	int64_t swept_ms;
	struct entry *oldest;
	struct entry *newest;
};

static int look_up(const char *host, const struct addrinfo *hints, struct addrinfo **out)
{
	return getaddrinfo(host, NULL, hints, out);
}

static void queue_push(struct queue *q, struct job *j)
{
	j->next = NULL;
	if (q->tail == NULL)
		q->head = j;
	else
		q->tail->next = j;
	q->tail = j;
	q->count++;
}

static struct job *queue_pop(struct queue *q)
{
	struct job *j = q->head;

	if (j == NULL)
		return NULL;
	q->head = j->next;
	if (q->head == NULL)
		q->tail = NULL;
	q->count--;
	return j;
}

static void job_free(struct job *j)
{
	if (j->found != NULL)
		freeaddrinfo(j->found);
	free(j->host);
	free(j);
}

static void queue_clear(struct queue *q)
{
	struct job *j;

	while ((j = queue_pop(q)) != NULL)
		job_free(j);
}

/* Called with the lock held; gives it back. */
static void pool_leave(struct pool *p)
{
	const bool last = --p->refs == 0;

	pthread_mutex_unlock(&p->lock);
	if (!last)
		return;
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* The job asked first, except that doubtful ones wait for their own threads. */
static struct job *pool_take(struct pool *p)
{
	const struct job *proven = p->proven.head;
	const struct job *doubtful = p->doubtful.head;

	if (p->doubtful_busy >= p->doubtful_limit)
		doubtful = NULL;
	if (doubtful != NULL && (proven == NULL || doubtful->number < proven->number)) {
		p->doubtful_busy++;
		return queue_pop(&p->doubtful);
	}
	return queue_pop(&p->proven);
}

static void pool_finish(struct pool *p, struct job *j)
{
	const bool first = p->done.head == NULL;

	if (!j->proven)
		p->doubtful_busy--;
	if (p->closed) {
		job_free(j);
		return;
	}
	queue_push(&p->done, j);
	if (first && p->wake != NULL)
		p->wake(p->ctx); /* under the lock: destroy cannot free ctx meanwhile */
}

static void *run(void *arg)
{
	static const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct pool *p = arg;
	struct job *j;

	pthread_mutex_lock(&p->lock);
	while (!p->closed) {
		j = pool_take(p);
		if (j == NULL) {
			p->idle++;
			pthread_cond_wait(&p->work, &p->lock);
			p->idle--;
			continue;
		}
		pthread_mutex_unlock(&p->lock);
		j->rc = p->fn(j->host, &hints, &j->found);
		if (j->rc != 0)
			j->found = NULL; /* what it holds after an error is not defined */
		pthread_mutex_lock(&p->lock);
		pool_finish(p, j);
	}
	pool_leave(p);
	return NULL;
}

static bool start_thread(struct pool *p)
{
	pthread_attr_t attr;
	sigset_t all;
	sigset_t before;
	pthread_t id;
	int rc;

	if (pthread_attr_init(&attr) != 0)
		return false;
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&id, &attr, run, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (rc != 0)
		return false;
	p->threads++;
	p->refs++;
	return true;
}

/* With the lock held. A thread that cannot start is tried again by the next
 * collect; until then its job waits and times out like any other. */
static void pool_staff(struct pool *p)
{
	const size_t waiting = p->proven.count + p->doubtful.count;

	if (waiting == 0)
		return;
	if (waiting > p->idle && p->threads < p->limit)
		(void)start_thread(p);
	pthread_cond_signal(&p->work);
}

struct resolver *resolver_create(unsigned threads, const struct guard *guard, resolve_fn fn,
				 void (*wake)(void *ctx), void *ctx)
{
	struct resolver *r = xcalloc(1, sizeof *r);
	struct pool *p = xcalloc(1, sizeof *p);

	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	p->refs = 1;
	p->fn = fn != NULL ? fn : look_up;
	p->wake = wake;
	p->ctx = ctx;
	p->limit = threads > 0 ? threads : 1;
	p->doubtful_limit = p->limit > 3 ? p->limit - 2 : 1;
	r->pool = p;
	r->guard = guard;
	r->buckets = xcalloc(BUCKETS, sizeof(*r->buckets));
	if (getrandom(&r->seed, sizeof r->seed, GRND_NONBLOCK) != (ssize_t)sizeof r->seed)
		r->seed = 0; /* only makes collisions harder to arrange */
	return r;
}

static void entry_free(struct entry *e)
{
	free(e->host);
	free(e->addresses);
	free(e->reason);
	free(e);
}

void resolver_destroy(struct resolver *r)
{
	struct entry *e;

	if (r == NULL)
		return;
	pthread_mutex_lock(&r->pool->lock);
	r->pool->closed = true;
	queue_clear(&r->pool->proven);
	queue_clear(&r->pool->doubtful);
	queue_clear(&r->pool->done);
	pthread_cond_broadcast(&r->pool->work);
	pool_leave(r->pool);
	for (size_t i = 0; i < BUCKETS; i++) {
		while ((e = r->buckets[i]) != NULL) {
			r->buckets[i] = e->next;
			entry_free(e);
		}
	}
	free(r->buckets);
	free(r);
}

static struct entry **bucket_of(const struct resolver *r, const char *host)
{
	uint64_t h = r->seed ^ UINT64_C(14695981039346656037);

	for (const char *c = host; *c != '\0'; c++)
		h = (h ^ (unsigned char)*c) * UINT64_C(1099511628211);
	return &r->buckets[(h ^ h >> 32) & (BUCKETS - 1)];
}

static struct entry *cache_find(const struct resolver *r, const char *host)
{
	struct entry *e = *bucket_of(r, host);

	while (e != NULL && strcmp(e->host, host) != 0)
		e = e->next;
	return e;
}

static struct entry *cache_add(struct resolver *r, const char *host)
{
	struct entry **bucket = bucket_of(r, host);
	struct entry *e = xcalloc(1, sizeof *e);

	e->host = xstrdup(host);
	e->next = *bucket;
	*bucket = e;
	r->count++;
	return e;
}

static void cache_sweep(struct resolver *r, int64_t now_ms)
{
	if (r->count <= CACHE_SOFT || now_ms - r->swept_ms < SWEEP_MS)
		return;
	r->swept_ms = now_ms;
	for (size_t i = 0; i < BUCKETS; i++) {
		struct entry **at = &r->buckets[i];

		while (*at != NULL) {
			struct entry *e = *at;

			if (e->looking || now_ms - e->used_ms < UNUSED_MS) {
				at = &e->next;
				continue;
			}
			*at = e->next;
			entry_free(e);
			r->count--;
		}
	}
}

static void waiting_add(struct resolver *r, struct entry *e)
{
	e->older = r->newest;
	e->newer = NULL;
	if (r->newest == NULL)
		r->oldest = e;
	else
		r->newest->newer = e;
	r->newest = e;
}

static void waiting_remove(struct resolver *r, struct entry *e)
{
	if (e->older == NULL)
		r->oldest = e->newer;
	else
		e->older->newer = e->newer;
	if (e->newer == NULL)
		r->newest = e->older;
	else
		e->newer->older = e->older;
	e->older = NULL;
	e->newer = NULL;
}

static void ask(struct resolver *r, struct entry *e, int64_t now_ms)
{
	struct pool *p = r->pool;
	struct job *j = xcalloc(1, sizeof *j);

	j->host = xstrdup(e->host);
	j->proven = e->state == RESOLVE_OK && e->failures == 0;
	e->looking = true;
	e->late = false;
	e->asked_ms = now_ms;
	waiting_add(r, e);
	metric_add(METRIC_NAME_LOOKUPS, 1);
	pthread_mutex_lock(&p->lock);
	j->number = p->numbers++;
	queue_push(j->proven ? &p->proven : &p->doubtful, j);
	pool_staff(p);
	pthread_mutex_unlock(&p->lock);
}

static struct resolve_answer answer_of(const struct entry *e, int64_t now_ms)
{
	struct resolve_answer a = { .state = e->state };

	if (e->state == RESOLVE_OK && now_ms - e->found_ms < STALE_MS) {
		a.addresses = e->addresses;
		return a;
	}
	if (e->looking && now_ms - e->asked_ms >= LOOKUP_MAX_MS) {
		a.state = RESOLVE_FAILED;
		a.reason = "name lookup timed out";
	} else if (e->looking) {
		a.state = RESOLVE_PENDING;
	} else if (e->state == RESOLVE_OK) { /* a failed refresh of what is now too old */
		a.state = RESOLVE_FAILED;
		a.reason = e->reason;
	} else {
		a.reason = e->reason;
	}
	return a;
}

struct resolve_answer resolver_find(struct resolver *r, const char *host, int64_t now_ms)
{
	struct entry *e = cache_find(r, host);

	if (e == NULL && r->count >= CACHE_HARD)
		return (struct resolve_answer){ .state = RESOLVE_FAILED,
						.reason = "name lookup failed: too many names" };
	if (e == NULL)
		e = cache_add(r, host);
	e->used_ms = now_ms;
	if (!e->looking && now_ms >= e->refresh_ms)
		ask(r, e, now_ms);
	return answer_of(e, now_ms);
}

/* Appends "1.2.3.4" or "[::1]"; text holds room bytes. */
static bool append_address(char *text, size_t room, const struct sockaddr *address)
{
	const bool v6 = address->sa_family == AF_INET6;
	const void *raw =
		v6 ? (const void *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr
		   : (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
	const size_t used = strlen(text);
	char *at = text + used;

	if (room - used < ADDRESS_TEXT)
		return false;
	if (used > 0)
		*at++ = ',';
	if (v6)
		*at++ = '[';
	if (inet_ntop(address->sa_family, raw, at, INET6_ADDRSTRLEN) == NULL) {
		text[used] = '\0';
		return false;
	}
	at += strlen(at);
	if (v6)
		*at++ = ']';
	*at = '\0';
	return true;
}

/* How many addresses the guard let through; *out_rule is the last one that
 * was broken. */
static unsigned filter(const struct resolver *r, const struct addrinfo *found, char *text,
		       size_t room, const char **out_rule)
{
	unsigned kept = 0;

	for (; found != NULL && kept < ADDRESSES_MAX; found = found->ai_next) {
		const struct sockaddr *address = found->ai_addr;

		if (address == NULL ||
		    (address->sa_family != AF_INET && address->sa_family != AF_INET6))
			continue;
		if (r->guard != NULL && guard_check(r->guard, address, out_rule) != ERR_OK)
			continue;
		if (append_address(text, room, address))
			kept++;
	}
	return kept;
}

static void set_negative(struct entry *e, enum resolve_state state, char *reason, int64_t now_ms)
{
	int64_t keep = FAILED_MIN_MS;

	for (unsigned i = 0; i < e->failures && keep < FAILED_MAX_MS; i++)
		keep *= 2;
	e->failures++;
	e->refresh_ms = now_ms + (keep < FAILED_MAX_MS ? keep : FAILED_MAX_MS);
	free(e->reason);
	e->reason = reason;
	/* An old answer beats none, but not a rule that now forbids the name. */
	if (state == RESOLVE_REFUSED || e->state != RESOLVE_OK)
		e->state = state;
}

static void settle(struct resolver *r, struct entry *e, const struct job *j, int64_t now_ms)
{
	char text[ADDRESSES_MAX * ADDRESS_TEXT + 1] = "";
	const char *rule = NULL;
	const unsigned kept = j->rc == 0 ? filter(r, j->found, text, sizeof text, &rule) : 0;

	if (kept > 0) {
		free(e->addresses);
		e->addresses = xstrdup(text);
		e->state = RESOLVE_OK;
		e->failures = 0;
		e->found_ms = now_ms;
		e->refresh_ms = now_ms + FRESH_MS;
		return;
	}
	if (rule != NULL) {
		set_negative(e, RESOLVE_REFUSED, xformat("address refused: %s", rule), now_ms);
		return;
	}
	if (!e->late) /* else it was counted when its callers gave up */
		metric_add(METRIC_NAME_FAILURES, 1);
	set_negative(
		e, RESOLVE_FAILED,
		xformat("name lookup failed: %s", gai_strerror(j->rc != 0 ? j->rc : EAI_NONAME)),
		now_ms);
}

/* Names whose callers stop waiting now; oldest first, so it ends early. */
static size_t give_up(struct resolver *r, int64_t now_ms)
{
	size_t count = 0;
	struct entry *e;

	while ((e = r->oldest) != NULL && now_ms - e->asked_ms >= LOOKUP_MAX_MS) {
		waiting_remove(r, e);
		e->late = true;
		e->failures++; /* its next lookup is a doubtful one */
		metric_add(METRIC_NAME_FAILURES, 1);
		count++;
	}
	return count;
}

size_t resolver_collect(struct resolver *r, int64_t now_ms)
{
	struct pool *p = r->pool;
	struct queue done;
	struct job *j;
	size_t count = 0;

	pthread_mutex_lock(&p->lock);
	done = p->done;
	p->done = (struct queue){ 0 };
	pool_staff(p);
	pthread_mutex_unlock(&p->lock);
	while ((j = queue_pop(&done)) != NULL) {
		struct entry *e = cache_find(r, j->host);

		if (e != NULL) { /* always: a name being looked up is never swept */
			if (!e->late)
				waiting_remove(r, e);
			e->looking = false;
			settle(r, e, j, now_ms);
			count++;
		}
		job_free(j);
	}
	count += give_up(r, now_ms);
	cache_sweep(r, now_ms);
	return count;
}
