/* file.h - one small file of the operator's, read whole.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_CONF_FILE_H
#define TOCSIN_CONF_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* Read path into out, which its caller initialises with the cap. Only regular
 * files are read: a folder has no text, and a pipe could keep start-up waiting.
 * Returns ERR_OK; else why says what is wrong in words that follow the path.
 * Note   secrets come this way: out is never grown, so no copy is left behind. */
MUST_CHECK enum err file_load(const char *path, struct buf *out, struct why *why);

/* path itself when absolute or folder NULL, else folder/path. Owner: caller. */
char *file_path(const char *folder, const char *path);

/* The folder that path lies in, absolute where it exists. Owner: caller. */
char *file_folder(const char *path);

#endif
