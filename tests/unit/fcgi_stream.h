/* fcgi_stream.h - a request body as libfcgi would hand it over, from memory.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_FCGI_STREAM_H
#define TESTS_UNIT_FCGI_STREAM_H

#include <fcgiapp.h>
#include <stdint.h>

#include "base/span.h"

static inline void fcgi_stream_end(FCGX_Stream *stream)
{
	stream->isClosed = 1;
}

/* body: borrowed as long as the stream is read. */
static inline FCGX_Stream fcgi_stream_of(struct span body)
{
	unsigned char *start = (unsigned char *)(uintptr_t)body.ptr;

	return (FCGX_Stream){ .rdNext = start,
			      .stop = start + body.len,
			      .wrNext = start + body.len,
			      .stopUnget = start,
			      .isReader = 1,
			      .fillBuffProc = fcgi_stream_end };
}

#endif
