/* source.h - the configuration's text with what it includes, and whose line is whose.
 * SPDX-License-Identifier: MIT
 * libconfig 1.5 leaves the process when an included name is a folder, cannot
 * include by an absolute path and cuts large numbers without a word. So the
 * text is put together and looked over here, and libconfig gets one string. */
#ifndef TOCSIN_CONF_SOURCE_H
#define TOCSIN_CONF_SOURCE_H

#include <libconfig.h>
#include <stdbool.h>

#include "conf/settings.h"

struct source;

/* Read path and its @include lines into config, which the caller initialised
 * and destroys. Each setting's file and line are those of the file it was
 * written in. Names in @include are relative to path's folder.
 * Returns ERR_OK, or ERR_BAD_REQUEST with faults; config may be partly filled.
 * Owner  the file names live as long as config. Thread: main. */
MUST_CHECK enum err source_load(const char *path, config_t *config, struct setting_faults *faults);

/* The folder that relative paths of this setting's file start from; NULL (the
 * current one) when the tree did not come from source_load(). */
const char *source_folder(const config_setting_t *setting);

#endif
