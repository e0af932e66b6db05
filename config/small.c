/* SPDX-License-Identifier: MIT */
#include "config/small.h"

#include <string.h>

#include "config/mem.h"

/*
 * A piece: its list's number in the eight bytes before it (0: of the heap, then n in the eight before
 * those), then room for 16 * number - 8 bytes.
 */
#define HEAD       ((size_t)8)
#define STEP       ((size_t)16)
#define N_LISTS    ((SMALL_MAX + HEAD) / STEP + 1)
#define SLAB_BYTES ((size_t)16 * KIB)
#define LARGE_HEAD ((size_t)16)

#if defined(__has_feature)
#    if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#        define ALL_FROM_HEAP 1
#    endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define ALL_FROM_HEAP 1
#endif
#ifndef ALL_FROM_HEAP
#    define ALL_FROM_HEAP 0
#endif

struct free_list {
    void *first;    /* each free piece begins with the next */
    char *at, *end; /* of the slab that is being cut */
};

static _Thread_local struct free_list lists[N_LISTS];
static _Thread_local bool has_lists;

void small_start(void)
{
    has_lists = true;
}

static size_t number_for(size_t n)
{
    return (n + HEAD + STEP - 1) / STEP;
}

static bool is_small(size_t n)
{
    return !ALL_FROM_HEAP && n <= SMALL_MAX;
}

static uint64_t *head_of(const void *p)
{
    return (uint64_t *)((uintptr_t)p - HEAD);
}

/* The next piece of a list's slab, or of a new one. */
static void *cut(struct free_list *l, size_t number)
{
    size_t stride = number * STEP;
    char *p;

    if ((size_t)(l->end - l->at) < stride) {
        char *slab = mem_ask(SLAB_BYTES);

        if (!slab)
            return NULL;
        l->at = slab;
        l->end = slab + SLAB_BYTES -
                 STEP; /* pieces begin 16 bytes in, their heads 8 before */
    }
    p = l->at + STEP;
    l->at += stride;
    *head_of(p) = number;
    return p;
}

static void *take_large(size_t n)
{
    char *p = n > SIZE_MAX - LARGE_HEAD ? NULL : mem_ask(n + LARGE_HEAD);

    if (!p)
        return NULL;
    p += LARGE_HEAD;
    head_of(p)[0] = 0;
    head_of(p)[-1] = n;
    return p;
}

void *small_try(size_t n)
{
    size_t number = number_for(n);
    struct free_list *l;
    void *p;

    if (!is_small(n) || !has_lists)
        return take_large(n);
    l = &lists[number];
    p = l->first;
    if (!p)
        return cut(l, number);
    memcpy(&l->first, p, sizeof l->first);
    return p;
}

void small_free(void *p)
{
    struct free_list *l;
    size_t number;

    if (!p)
        return;
    number = (size_t)*head_of(p);
    if (!number) {
        mem_free((char *)p - LARGE_HEAD);
        return;
    }
    BUG_IF(number >= N_LISTS);
    l = &lists[number];
    memcpy(p, &l->first, sizeof l->first);
    l->first = p;
}

size_t small_size(const void *p)
{
    size_t number = p ? (size_t)*head_of(p) : 0;

    if (!p)
        return 0;
    return number ? number * STEP - HEAD : (size_t)head_of(p)[-1];
}

size_t small_room(size_t n)
{
    return is_small(n) ? number_for(n) * STEP - HEAD : (n + HEAD - 1) / HEAD * HEAD;
}

/* Both of the heap. */
static void *resize_large(void *old, size_t n)
{
    char *p = n > SIZE_MAX - LARGE_HEAD
                  ? NULL
                  : mem_ask_resize((char *)old - LARGE_HEAD, n + LARGE_HEAD);

    if (!p)
        return NULL;
    p += LARGE_HEAD;
    head_of(p)[-1] = n;
    return p;
}

void *small_try_resize(void *old, size_t n)
{
    size_t had = small_size(old);
    void *p;

    if (old && *head_of(old) && is_small(n) && small_room(n) == had)
        return old;
    if (old && !*head_of(old) && !is_small(n))
        return resize_large(old, n);
    p = small_try(n);
    if (!p || !old)
        return p;
    memcpy(p, old, MIN(had, n));
    small_free(old);
    return p;
}

void *small_alloc(size_t n)
{
    void *p = small_try(n);

    if (!p)
        mem_out_of_memory(n);
    return p;
}

void *small_zeroed(size_t count, size_t size)
{
    size_t n;
    void *p;

    if (__builtin_mul_overflow(count, size, &n))
        mem_out_of_memory(SIZE_MAX);
    p = small_alloc(n);
    memset(p, 0, n);
    return p;
}

void *small_resize(void *old, size_t n)
{
    void *p = small_try_resize(old, n);

    if (!p)
        mem_out_of_memory(n);
    return p;
}

char *small_copy(const char *text)
{
    size_t n = strlen(text) + 1;
    char *p = small_alloc(n);

    memcpy(p, text, n);
    return p;
}
