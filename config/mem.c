/* SPDX-License-Identifier: MIT */
#include "config/mem.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/clock.h"

/* What a heap may keep idle at its end, and what is so large that it is mapped by itself. */
#define KEPT_BYTES   (64 * MIB)
#define MAPPED_BYTES (4 * MIB)
/* So much free memory does no harm. */
#define GIVEN_BACK_FROM ((size_t)8 * MIB)
/* Where the last time took longer than this, only every so many calls do it again. */
#define CHEAP_NS (10 * NS_PER_MS)
#define EVERY    6

#ifndef MADV_POPULATE_WRITE
#    define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
/* Every piece has a place of its own with it, so none tells where the heap grows next. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define HAS_OTHER_HEAP 1
#else
#    define HAS_OTHER_HEAP 0
#endif

/* Test control, zero in production. */
static int64_t fail_countdown;
static void (*oom_hook)(void);

static bool must_fail(void)
{
    return fail_countdown && --fail_countdown == 0;
}

void mem_out_of_memory(size_t n)
{
    if (oom_hook)
        oom_hook();
    fprintf(stderr, "crawl: out of memory (%zu bytes asked for)\n", n);
    abort();
}

void mem_start(void)
{
    /* Both only cost speed where the C library refuses them. */
    (void)mallopt(M_TRIM_THRESHOLD, (int)KEPT_BYTES);
    (void)mallopt(M_MMAP_THRESHOLD, (int)MAPPED_BYTES);
}

bool mem_give_back(void)
{
    static size_t left_free; /* it counts as free what was given back as well */
    static unsigned n_calls;
    static int64_t took_ns;
    struct mallinfo2 now = mallinfo2();
    bool has_grown, is_due = ++n_calls % EVERY == 0 || took_ns < CHEAP_NS;
    int64_t began_ns;

    left_free = MIN(left_free, now.fordblks);
    has_grown = now.fordblks - left_free > GIVEN_BACK_FROM;
    if (now.fordblks <= GIVEN_BACK_FROM || now.fordblks <= now.uordblks / 8 ||
        !(has_grown || is_due))
        return false;
    began_ns = clock_now_ns();
    (void)malloc_trim(0);
    took_ns = clock_now_ns() - began_ns;
    left_free = now.fordblks;
    return true;
}

void mem_give_back_all(void)
{
    (void)malloc_trim(0);
}

void mem_ready(void *p, size_t n)
{
    static atomic_bool is_unknown; /* to this kernel */
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)p & ~(page - 1);

    if (atomic_load_explicit(&is_unknown, memory_order_relaxed))
        return;
    /* Refused, it is as without: each page comes when it is touched. */
    if (madvise((void *)from, (uintptr_t)p + n - from, MADV_POPULATE_WRITE) && errno == EINVAL)
        atomic_store_explicit(&is_unknown, true, memory_order_relaxed);
}

void mem_ahead(size_t n)
{
    static _Thread_local uintptr_t from, to; /* where the last one lay, and how far it went */
    void *piece = HAS_OTHER_HEAP ? NULL : malloc(n);
    uintptr_t at = (uintptr_t)piece;

    if (!piece)
        return;
    if (at < from || at > to)
        from = to = at;
    if (at + n > to + n / 2) {
        mem_ready((void *)to, at + n - to);
        to = at + n;
    }
    free(piece);
}

void *mem_alloc(size_t n)
{
    void *p = must_fail() ? NULL : calloc(1, n ? n : 1);

    if (!p)
        mem_out_of_memory(n);
    return p;
}

void *mem_array(size_t count, size_t size)
{
    size_t n;

    if (__builtin_mul_overflow(count, size, &n))
        mem_out_of_memory(SIZE_MAX);
    return mem_alloc(n);
}

/* Where even little is not to be had, nothing is: no caller could do anything sensible. */
static void *there_or_large(void *p, size_t n)
{
    if (!p && n <= MEM_SMALL)
        mem_out_of_memory(n);
    return p;
}

void *mem_try_alloc(size_t n)
{
    return must_fail() ? NULL : there_or_large(malloc(n ? n : 1), n);
}

void *mem_try_zeroed(size_t n)
{
    return must_fail() ? NULL : there_or_large(calloc(1, n ? n : 1), n);
}

void *mem_try_resize(void *old, size_t n)
{
    return must_fail() ? NULL : there_or_large(realloc(old, n ? n : 1), n);
}

void *mem_ask(size_t n)
{
    return must_fail() ? NULL : malloc(n ? n : 1);
}

void *mem_ask_resize(void *old, size_t n)
{
    return must_fail() ? NULL : realloc(old, n ? n : 1);
}

void *mem_resize(void *old, size_t n)
{
    void *p = mem_try_resize(old, n);

    if (!p)
        mem_out_of_memory(n);
    return p;
}

char *mem_str_copy(struct span s)
{
    char *p = mem_alloc(s.len + 1);

    if (s.len)
        memcpy(p, s.ptr, s.len);
    return p;
}

void mem_free(void *p)
{
    free(p);
}

void mem_fail_after(int64_t n)
{
    fail_countdown = n;
}

void mem_set_oom_hook(void (*hook)(void))
{
    oom_hook = hook;
}
