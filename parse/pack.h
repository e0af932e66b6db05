/* SPDX-License-Identifier: MIT */
/*
 * Bodies for the store: one zstd frame each (RFC 8878), with its content size in
 * the header. A pack owns the library's contexts, is used for one body after
 * the other and belongs to one thread. Nothing here suspends.
 */
#pragma once

#include "config/buf.h"

/* Level 1 costs half of level 3 for nearly the same size on pages. */
#define PACK_LEVEL 1

struct pack;

/* ERR_NO_MEMORY. The caller owns *out. */
enum err pack_new(struct pack **out) MUST_USE;
void pack_free(struct pack *p); /* NULL is fine */

/* Appends body compressed. ERR_TOO_LARGE, ERR_NO_MEMORY: out is as before. */
enum err pack_compress(struct pack *p, struct span body, int level,
                       struct buf *out) MUST_USE;

/*
 * Appends what packed holds, at most max_bytes of it. ERR_TOO_LARGE when it is
 * more, ERR_CORRUPT when it is no whole frame or has bytes behind it,
 * ERR_NO_MEMORY: out is as before. packed may be hostile.
 */
enum err pack_decompress(struct pack *p, struct span packed, size_t max_bytes,
                         struct buf *out) MUST_USE;
