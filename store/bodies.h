/* SPDX-License-Identifier: MIT */
/*
 * Stored bodies: one row per distinct content (SHA-256), compressed by the
 * worker, with a count of the fetches that have it.
 */
#pragma once

#include "config/buf.h"
#include "store/core.h"

/*
 * The row of this body, made or counted once more; 0 after an error. data is zstd; size
 * is of the content.
 */
int64_t bodies_put(struct core *c, const unsigned char sha256[32], struct span data,
                   int64_t size);

/* One fetch fewer has it; the row goes with the last one. */
enum err bodies_drop(struct core *c, int64_t id);

/*
 * Unpacks a stored body into out. ERR_CORRUPT when data is not a zstd frame of
 * that size, ERR_TOO_LARGE past out's cap, ERR_UNSUPPORTED for another codec.
 */
enum err bodies_unpack(struct span codec, struct span data, int64_t size,
                       struct buf *out) MUST_USE;
