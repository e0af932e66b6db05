/* SPDX-License-Identifier: MIT */
#include "config/buf.h"

#include <stdarg.h>

#include "config/mem.h"

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){ .max = max };
}

enum err buf_reserve(struct buf *b, size_t n)
{
    size_t cap;
    char *p;

    if (n > b->max - b->len)
        return ERR_TOO_LARGE;
    if (n <= b->cap - b->len)
        return OK;
    cap = MAX(b->len + n, MAX((size_t)64, b->cap + b->cap / 2));
    cap = MIN(cap, b->max);
    /* One byte more than is counted: vsnprintf writes a NUL behind its text. */
    p = cap < SIZE_MAX ? mem_try_resize(b->ptr, cap + 1) : NULL;
    if (!p)
        return ERR_NO_MEMORY;
    b->ptr = p;
    b->cap = cap;
    return OK;
}

enum err buf_append(struct buf *b, struct span s)
{
    enum err e = s.len <= b->cap - b->len ? OK : buf_reserve(b, s.len);

    if (e)
        return e;
    if (s.len)
        memcpy(b->ptr + b->len, s.ptr, s.len);
    b->len += s.len;
    return OK;
}

enum err buf_append_byte(struct buf *b, char c)
{
    enum err e = b->len < b->cap ? OK : buf_reserve(b, 1);

    if (!e)
        b->ptr[b->len++] = c;
    return e;
}

enum err buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    enum err e = ERR_INVALID;
    int n;

    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n >= 0)
        e = buf_reserve(b, (size_t)n);
    if (!e && n > 0) {
        vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
    return e;
}

void buf_reset(struct buf *b)
{
    b->len = 0;
}

void buf_clear(struct buf *b)
{
    mem_free(b->ptr);
    buf_init(b, b->max);
}
