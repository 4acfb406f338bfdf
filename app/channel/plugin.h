/* plugin.h - one shared object that passed every check and was opened.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_CHANNEL_PLUGIN_H
#define TOCSIN_CHANNEL_PLUGIN_H

#include "base/err.h"
#include "tocsin/channel.h"

struct plugin {
	char *path;                   /* real path; owned */
	struct tocsin_channel vtable; /* copied; members the file does not have are NULL */
	void *handle;                 /* dlopen's; never closed */
};

/* Find name ("http.so" in folder, or an absolute path), check owner, mode, ELF
 * type, needs and the symbol on the open file, then dlopen that very file and
 * check ABI, size, callbacks, tables and the libcurl it is bound to.
 * Returns ERR_OK; ERR_NOT_FOUND, ERR_DENIED (owner, mode) or ERR_BAD_REQUEST
 * with why: the path, what was found and what to do.
 * Owner  *out is owned; plugin_finish() (which leaves the object loaded). */
MUST_CHECK enum err plugin_open(const char *folder, const char *name, struct plugin *out,
				struct why *why);
void plugin_finish(struct plugin *p);

/* Are the vtable's tables and callbacks sound? Also used by `tocsin plugin check`. */
MUST_CHECK enum err plugin_check(const struct tocsin_channel *c, struct why *why);

#endif
