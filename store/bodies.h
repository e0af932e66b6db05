/* SPDX-License-Identifier: MIT */
/*
 * Stored bodies: one row per distinct content (SHA-256), compressed by the
 * worker, with a count of the fetches that have it.
 */
#pragma once

#include "config/buf.h"
#include "store/core.h"

struct deferred_index;

/* core.body_index: body_by_hash. */
extern const struct deferred_index bodies_index;

/*
 * The row of this body, made or counted once more; 0 after an error. data is zstd; size
 * is of the content.
 */
int64_t bodies_put(struct core *c, const unsigned char sha256[32], struct span data,
                   int64_t size);

/* One fetch fewer has it; the row goes with the last one. */
enum err bodies_drop(struct core *c, int64_t id);

/* What unpacks the bodies of one file, with the dictionaries they need. Used by one thread. */
struct bodies_unpacker;

/* On handle, which must stay; the file may be hostile. Heap. ERR_NO_MEMORY. */
enum err bodies_unpacker_new(sqlite3 *handle, struct bodies_unpacker **out) MUST_USE;
/* NULL is fine. */
void bodies_unpacker_free(struct bodies_unpacker *u);

/* A row of the table. */
struct bodies_packed {
    struct span codec, data;
    int64_t size;
};

/*
 * Appends a stored body, unpacked. ERR_CORRUPT when data is not a zstd frame of that
 * size, ERR_NOT_FOUND when its dictionary is missing or damaged, ERR_TOO_LARGE past
 * out's cap, ERR_UNSUPPORTED for another codec, ERR_NO_MEMORY: out is as before and
 * the note says what is wrong with it.
 */
enum err bodies_unpack(struct bodies_unpacker *u, const struct bodies_packed *body,
                       struct buf *out, struct err_note *note) MUST_USE;
