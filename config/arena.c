/* SPDX-License-Identifier: MIT */
#include "config/arena.h"

#include <stdarg.h>

#include "config/mem.h"

#define FIRST_BLOCK   1024
#define LARGEST_BLOCK ((size_t)64 * 1024)
#define ALIGNMENT     _Alignof(max_align_t)

struct arena_block {
    struct arena_block *next;
    size_t size; /* of data */
    _Alignas(max_align_t) char data[];
};

void arena_init(struct arena *a, size_t max_bytes)
{
    *a = (struct arena){ .max_bytes = max_bytes };
}

static bool add_block(struct arena *a, size_t need)
{
    size_t size = a->blocks ? MIN(a->blocks->size * 2, LARGEST_BLOCK) : FIRST_BLOCK;
    struct arena_block *b;

    size = MAX(size, need);
    b = size <= SIZE_MAX - sizeof *b ? mem_try_alloc(sizeof *b + size) : NULL;
    if (!b)
        return false;
    b->next = a->blocks;
    b->size = size;
    a->blocks = b;
    a->at = b->data;
    a->end = b->data + size;
    return true;
}

/* What n bytes take; false when that is over the cap. */
static bool fits(const struct arena *a, size_t n, size_t *out_rounded)
{
    /* Nothing asked for is still a piece: NULL would mean failure. */
    if (__builtin_add_overflow(MAX(n, (size_t)1), ALIGNMENT - 1, out_rounded))
        return false;
    *out_rounded &= ~(ALIGNMENT - 1);
    return *out_rounded <= a->max_bytes - a->used_bytes;
}

void *arena_try_alloc(struct arena *a, size_t n)
{
    size_t rounded;
    char *p;

    if (!fits(a, n, &rounded))
        return NULL;
    if ((!a->blocks || rounded > (size_t)(a->end - a->at)) && !add_block(a, rounded))
        return NULL;
    p = a->at;
    a->at += rounded;
    a->used_bytes += rounded;
    return p;
}

/* Why a caller who must have n bytes did not get them: its own cap, or the machine. */
NORETURN static void give_up(const struct arena *a, size_t n)
{
    size_t rounded;

    BUG_IF(!fits(a, n, &rounded));
    mem_out_of_memory(n);
}

void *arena_alloc(struct arena *a, size_t n)
{
    void *p = arena_try_alloc(a, n);

    if (!p)
        give_up(a, n);
    memset(p, 0, n);
    return p;
}

void *arena_try_array(struct arena *a, size_t count, size_t size)
{
    size_t n;
    void *p;

    if (__builtin_mul_overflow(count, size, &n))
        return NULL;
    p = arena_try_alloc(a, n);
    if (p)
        memset(p, 0, n);
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t n;

    BUG_IF(__builtin_mul_overflow(count, size, &n));
    return arena_alloc(a, n);
}

enum err arena_try_copy(struct arena *a, struct span s, struct span *out)
{
    char *p = s.len < SIZE_MAX ? arena_try_alloc(a, s.len + 1) : NULL;

    if (!p)
        return ERR_TOO_LARGE;
    if (s.len)
        memcpy(p, s.ptr, s.len);
    p[s.len] = '\0';
    *out = span_make(p, s.len);
    return OK;
}

struct span arena_copy(struct arena *a, struct span s)
{
    struct span out = SPAN_NONE;

    if (arena_try_copy(a, s, &out))
        give_up(a, s.len + 1);
    return out;
}

struct span arena_format(struct arena *a, const char *fmt, ...)
{
    va_list args, again;
    char *p;
    int n;

    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, args);
    BUG_IF(n < 0);
    p = arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(args);
    return span_make(p, (size_t)n);
}

static void free_blocks(struct arena_block *b)
{
    while (b) {
        struct arena_block *next = b->next;

        mem_free(b);
        b = next;
    }
}

bool arena_has_room(const struct arena *a, size_t n)
{
    size_t rounded;

    return fits(a, n, &rounded);
}

void arena_reset(struct arena *a)
{
    struct arena_block *first = a->blocks;

    if (!first)
        return;
    while (first->next) {
        struct arena_block *next = first->next;

        mem_free(first);
        first = next;
    }
    a->blocks = first;
    a->at = first->data;
    a->end = first->data + first->size;
    a->used_bytes = 0;
}

void arena_clear(struct arena *a)
{
    free_blocks(a->blocks);
    arena_init(a, a->max_bytes);
}
