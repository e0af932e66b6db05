/* SPDX-License-Identifier: MIT */
/*
 * Growable bytes with a cap that the creator must name. Appending past the
 * cap, or without memory, returns an error and leaves the content as it was.
 */
#pragma once

#include "config/err.h"
#include "config/span.h"

struct buf {
    char *ptr; /* NULL while nothing was appended */
    size_t len;
    size_t cap;
    size_t max;
};

/* Starts empty; allocates nothing. */
void buf_init(struct buf *b, size_t max);

/* ERR_TOO_LARGE past the cap, ERR_NO_MEMORY. */
enum err buf_append(struct buf *b, struct span s) MUST_USE;
enum err buf_append_byte(struct buf *b, char c) MUST_USE;
enum err buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_USE;

/* Makes room for n more bytes at ptr + len; the caller writes them and adds to len. */
enum err buf_reserve(struct buf *b, size_t n) MUST_USE;

/* Borrowed view; valid until the next call that changes b. */
static inline struct span buf_span(const struct buf *b)
{
    return span_make(b->ptr, b->len);
}

/* Length 0, memory kept. */
void buf_reset(struct buf *b);

/* Gives the memory back. */
void buf_clear(struct buf *b);
