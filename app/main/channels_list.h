/* channels_list.h - the declared channels, for people.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_MAIN_CHANNELS_LIST_H
#define TOCSIN_MAIN_CHANNELS_LIST_H

#include <stdio.h>

#include "channel/channels.h"

/* A block each, after an empty line: "NAME<tab>PLUGIN VERSION<tab>FILE", then,
 * indented, ABI, lane, schemes, settings and fields. */
void channels_list_print(FILE *out, const struct channels *channels);

#endif
