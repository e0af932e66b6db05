/* SPDX-License-Identifier: MIT */
/*
 * A bump allocator: many small things that die together. One per visit, one
 * per parse, one per store operation. Blocks start at 1 KiB and double up to
 * 64 KiB; a larger piece gets a block of its own. The byte cap is a constructor
 * argument and counts everything asked for.
 *
 * Invariant: what arena_alloc returns stays where it is until arena_clear or
 * arena_reset.
 */
#pragma once

#include "config/err.h"
#include "config/span.h"

struct arena_block;

/* Transparent so that it can live inside other structs; touch only through calls. */
struct arena {
    struct arena_block *blocks; /* newest first */
    char *at;                   /* next free byte of the newest block */
    char *end;
    size_t used_bytes;
    size_t max_bytes;
};

/* Starts empty; allocates nothing. max_bytes is the cap on the sum of all pieces. */
void arena_init(struct arena *a, size_t max_bytes);

/* n bytes aligned for any type, not zeroed, or NULL when over the cap or out of memory. */
void *arena_try_alloc(struct arena *a, size_t n) MUST_USE;

/*
 * As arena_try_alloc but zeroed, and aborts instead of NULL, saying which it was
 * (a cap overrun is a bug, no memory is not): for small fixed sizes.
 */
void *arena_alloc(struct arena *a, size_t n) MUST_USE;

/* count * size bytes, zeroed. Aborts as arena_alloc does. */
void *arena_array(struct arena *a, size_t count, size_t size) MUST_USE;

/* count * size bytes, zeroed, or NULL (over the cap, no memory, or overflow). */
void *arena_try_array(struct arena *a, size_t count, size_t size) MUST_USE;

/* A copy in the arena, with a NUL behind it that the span does not count. Aborts when over the cap. */
struct span arena_copy(struct arena *a, struct span s);

/* As arena_copy; ERR_TOO_LARGE instead of aborting. */
enum err arena_try_copy(struct arena *a, struct span s, struct span *out) MUST_USE;

/* Formats into the arena. Aborts when over the cap. */
struct span arena_format(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Is there room for n bytes more under the cap? Then it was memory that a call found none of. */
bool arena_has_room(const struct arena *a, size_t n);

/* Keeps the first block for reuse, gives the others back. */
void arena_reset(struct arena *a);

/* Gives everything back; the arena is as after arena_init. */
void arena_clear(struct arena *a);
