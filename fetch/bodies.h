/* SPDX-License-Identifier: MIT */
/*
 * Where answers arrive: one region of shared memory (a sealed memfd) that the
 * parser processes map read-only, so that a body goes from curl's buffer to a
 * parser with one copy. A buddy allocator hands out blocks; the region's size
 * is the cap on all bodies held (a quarter of --max-memory). Memory of freed
 * large blocks goes back to the kernel once it was not wanted for a while.
 *
 * Single-threaded, does not suspend. Blocks are exclusive to their holder.
 */
#pragma once

#include "config/err.h"
#include "fetch/result.h"

#define BODIES_PAGE ((size_t)4096)

struct bodies;

/* max_bytes, or RLIMIT_FSIZE where that is less, is rounded down to a power of two, at least 1 MiB. */
enum err bodies_open(size_t max_bytes, struct bodies **out,
                     struct err_note *note) MUST_USE;
void bodies_close(struct bodies *b);

/* The memfd, for the workers' read-only mapping (sealed against resizing), and its size. */
int bodies_fd(const struct bodies *b);
size_t bodies_size(const struct bodies *b);

/* Bytes in blocks now in use. */
size_t bodies_used(const struct bodies *b);

/* A period ends: to be called every some seconds. Freed memory is kept as far as bodies took it in the last two. */
void bodies_age(struct bodies *b);

/* Appends; grows the block by doubling (moving it) up to max bytes in all. A zeroed ref is an empty body.
 * ERR_TOO_LARGE past max (what fits is kept), ERR_FULL when the region has no room. */
enum err bodies_append(struct bodies *b, struct body_ref *ref, struct span data,
                       size_t max) MUST_USE;

/* Makes room for n bytes at once (Content-Length said so); a hint, so failure is not an error. */
void bodies_hint(struct bodies *b, struct body_ref *ref, size_t n);

/* Room for n bytes in one block, so that appending up to n finds it. ERR_FULL leaves ref as it was. */
enum err bodies_reserve(struct bodies *b, struct body_ref *ref, size_t n) MUST_USE;

/* The bytes; valid until the next append or free of this ref. */
struct span bodies_view(const struct bodies *b, const struct body_ref *ref);

/* Gives the block back and empties ref. An empty ref is fine. */
void bodies_free(struct bodies *b, struct body_ref *ref);
