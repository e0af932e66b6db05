/* SPDX-License-Identifier: MIT */
/*
 * Small pieces of memory for libraries that ask for dozens of them a page (libcurl, c-ares,
 * SQLite). A piece of up to SMALL_MAX bytes comes from its size's free list and goes back to it, at
 * two stores; the heap would look for neighbours to merge with. Larger ones come from the heap.
 *
 * Only threads that last have lists (small_start), each its own, so that nothing is locked: what lists hold
 * stays with the process, as much as was in use at a time at the most. A piece freed by
 * another such thread goes to that one's. Pieces are aligned to 16 bytes, not zeroed unless said so. With the
 * sanitizers every piece comes from the heap, so that they see each.
 */
#pragma once

#include "config/base.h"

#define SMALL_MAX ((size_t)248)

/* This thread has lists from now on; again: fine. */
void small_start(void);

/* NULL when there is no memory. */
void *small_try(size_t n) MUST_USE;
void *small_try_resize(void *old, size_t n) MUST_USE;

/* Never NULL: without memory the program ends, as with mem_alloc. For libraries that know no better. */
void *small_alloc(size_t n) MUST_USE;
void *small_zeroed(size_t count, size_t size) MUST_USE;
void *small_resize(void *old, size_t n) MUST_USE;
/* A NUL-terminated copy. */
char *small_copy(const char *text) MUST_USE;

/* NULL is fine. */
void small_free(void *p);

/* What a piece has room for: at least what was asked. NULL: 0. */
size_t small_size(const void *p);

/* The same for a piece that would be asked for; a multiple of eight. */
size_t small_room(size_t n);
