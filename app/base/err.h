/* err.h - the one error type of the program.
 * SPDX-License-Identifier: MIT
 * Causes are kept apart where some caller treats them apart. */
#ifndef TOCSIN_BASE_ERR_H
#define TOCSIN_BASE_ERR_H

#define MUST_CHECK             __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define COUNT_OF(array)        (sizeof(array) / sizeof((array)[0]))
#define BIT(n)                 (1u << (n))

enum err {
	ERR_OK = 0,
	ERR_BAD_REQUEST, /* input breaks a rule: 4xx, never retried */
	ERR_DENIED,      /* the caller or an address may not */
	ERR_NOT_FOUND,
	ERR_CONFLICT, /* exists already, with another content */
	ERR_TOO_BIG,  /* a cap on bytes, depth or count was passed */
	ERR_LIMIT,    /* a quota of the caller is used up */
	ERR_BUSY,     /* try again: locked, or a queue is full */
	ERR_FULL,     /* no space left on the device */
	ERR_IO,       /* reading or writing failed */
	ERR_CORRUPT,  /* the store's content is not what it must be */
	ERR_MEMORY,   /* an allocation sized by input failed */
	ERR_STOPPING, /* the process is going down */
};

/* One lower-case phrase for people; never NULL.
 * Thread  any. */
const char *err_text(enum err rc);

/* Why something failed, for a person: one sentence, no newline.
 * Filled by functions that take one when they return anything but ERR_OK. */
struct why {
	char text[512];
};

/* Set why->text (why may be NULL); too long a text is cut. */
void why_set(struct why *why, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
