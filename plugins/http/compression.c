/* compression.c - zlib's fastest, where it saves enough.
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "http/compression.h"

#include <stdlib.h>
#include <zlib.h>

enum { GZIP_FORMAT = 16, MEMORY_LEVEL = 8, PIECE_BYTES = 16 * 1024 };

static size_t worth_bytes(size_t bytes)
{
	return bytes - bytes / 4;
}

/* Deflate body into room bytes, piece by piece: what does not get smaller takes
 * the longest, and is given up. Returns the length, 0 when it is not worth it. */
static size_t stream_run(z_stream *z, struct tocsin_span body, char *out, size_t room)
{
	z->next_in = (Bytef *)(uintptr_t)body.ptr; /* zlib 1.2 only reads it */
	z->next_out = (Bytef *)out;
	z->avail_out = (uInt)room;
	while (z->total_in < body.len) {
		const size_t left = body.len - z->total_in;

		z->avail_in = (uInt)(left < PIECE_BYTES ? left : PIECE_BYTES);
		if (deflate(z, Z_NO_FLUSH) != Z_OK || z->avail_in > 0 ||
		    z->total_out > worth_bytes(z->total_in))
			return 0;
	}
	return deflate(z, Z_FINISH) == Z_STREAM_END ? z->total_out : 0;
}

int compression_make(struct tocsin_span body, struct tocsin_span *out)
{
	z_stream z = { .zalloc = Z_NULL };

	*out = (struct tocsin_span){ NULL, 0 };
	if (body.len < COMPRESSION_MIN_BYTES || body.len > COMPRESSION_MAX_BYTES)
		return TOCSIN_OK;
	const size_t room = worth_bytes(body.len);
	char *packed = malloc(room);

	if (packed == NULL || deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + GZIP_FORMAT,
					   MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(packed);
		return TOCSIN_TRY_LATER;
	}
	const size_t len = stream_run(&z, body, packed, room);

	deflateEnd(&z);
	if (len == 0)
		free(packed);
	else
		*out = (struct tocsin_span){ packed, len };
	return TOCSIN_OK;
}
