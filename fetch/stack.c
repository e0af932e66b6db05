/* SPDX-License-Identifier: MIT */
#include "fetch/stack.h"

#include <sys/mman.h>
#include <unistd.h>

#include "config/mem.h"

#if defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define __SANITIZE_ADDRESS__ 1
#    endif
#endif

#if defined(__SANITIZE_ADDRESS__)
#    include <sanitizer/asan_interface.h>
#    define USABLE_BYTES (4 * STACK_BYTES)
#else
#    define ASAN_UNPOISON_MEMORY_REGION(addr, size) ((void)(addr), (void)(size))
#    define USABLE_BYTES                            STACK_BYTES
#endif

#if defined(__has_include)
#    if __has_include(<valgrind/memcheck.h>)
#        include <valgrind/memcheck.h>
#    endif
#endif
#ifndef VALGRIND_STACK_REGISTER
#    define VALGRIND_STACK_REGISTER(start, end)     0u
#    define VALGRIND_STACK_DEREGISTER(id)           ((void)(id))
#    define VALGRIND_MAKE_MEM_UNDEFINED(addr, size) ((void)(addr), (void)(size))
#    define VALGRIND_MAKE_MEM_DEFINED(addr, size)   ((void)(addr), (void)(size))
#endif

/* Newer than the C library's headers. */
#ifndef MADV_GUARD_INSTALL
#    define MADV_GUARD_INSTALL 102
#endif

enum {
    FIRST_SLAB = 16, /* stacks; every further slab is twice as large, up to: */
    LARGEST_SLAB = 256,
    /* So many idle stacks may keep their warm pages whatever is in use: what 256 answers that
     * wait for their commit let go at once is wanted again with the next ones. */
    MIN_IDLE = 1024,
    TRIM_A_GIVE = 2, /* so many stacks lose their pages at a time: some microseconds each */
    TRIM_AN_AGE = 512,
    CANARY_WORDS = 32, /* 256 bytes below the lowest usable one */
    MAX_PAGES_SEEN = 256,
    LOOK_EVERY = 16, /* asking the kernel costs more than most visits need of it */
    PAINT = 0xa5,
};

#define CANARY UINT64_C(0x5afe57ac0ddba115)

struct slab {
    struct slab *next;
    char *base;
    size_t n_bytes, n_stacks;
    struct stack stacks[];
};

struct stack_pool {
    struct slab *slabs;
    struct list_node warm; /* idle ones that may hold memory; those that came back last are first */
    struct list_node cold; /* idle ones without */
    size_t n_warm, n_cold, n_mapped, n_unguarded, n_protected;
    size_t peak, peak_before; /* most in use at a time, in this period and in the one before */
    size_t max_protected;
    size_t page_bytes, next_slab;
    enum stack_guard best; /* gets weaker when the kernel refuses */
};

static uint64_t *canary_of(const struct stack *st)
{
    return (uint64_t *)(uintptr_t)(st->bottom - CANARY_WORDS * sizeof(uint64_t));
}

static void set_canary(const struct stack *st)
{
    for (size_t i = 0; i < CANARY_WORDS; i++)
        canary_of(st)[i] = CANARY;
}

/* Guards the page below st->bottom in the best way that still works. */
static void guard(struct stack_pool *p, struct stack *st)
{
    char *page = st->bottom - p->page_bytes;

    if (p->best == STACK_GUARD_MARKED) {
        if (madvise(page, p->page_bytes, MADV_GUARD_INSTALL) == 0) {
            st->guard = STACK_GUARD_MARKED;
            return;
        }
        p->best = STACK_GUARD_PROTECTED;
    }
    if (p->best == STACK_GUARD_PROTECTED && p->n_protected < p->max_protected &&
        mprotect(page, p->page_bytes, PROT_NONE) == 0) {
        st->guard = STACK_GUARD_PROTECTED;
        p->n_protected++;
        return;
    }
    p->best = STACK_GUARD_NONE;
    st->guard = STACK_GUARD_NONE;
    p->n_unguarded++;
    set_canary(st);
}

static void add_cold(struct stack_pool *p, struct stack *st)
{
    list_add_first(&p->cold, &st->node);
    p->n_cold++;
}

static enum err add_slab(struct stack_pool *p)
{
    size_t stride = USABLE_BYTES + p->page_bytes;
    size_t n = p->next_slab;
    char *base = mmap(NULL, n * stride, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

    if (base == MAP_FAILED)
        return ERR_NO_MEMORY;
    /* A huge page would make 2 MiB resident for the first byte. Without THP: fails, fine. */
    (void)madvise(base, n * stride, MADV_NOHUGEPAGE);

    struct slab *slab = mem_alloc(sizeof(*slab) + n * sizeof(struct stack));

    slab->base = base;
    slab->n_bytes = n * stride;
    slab->n_stacks = n;
    slab->next = p->slabs;
    p->slabs = slab;
    p->n_mapped += n;
    p->next_slab = MIN(n * 2, (size_t)LARGEST_SLAB);
    for (size_t i = 0; i < n; i++) {
        struct stack *st = &slab->stacks[i];

        st->bottom = base + i * stride + p->page_bytes;
        st->top = st->bottom + USABLE_BYTES;
        guard(p, st);
        st->valgrind_id = VALGRIND_STACK_REGISTER(st->bottom, st->top - 1);
    }
    /* Where guards ran out half-way, the guarded ones are to be taken first. */
    for (size_t i = n; i-- > 0;)
        add_cold(p, &slab->stacks[i]);
    return OK;
}

/* Was anything between bottom and end touched since it was mapped or given back? */
static bool is_resident(const struct stack_pool *p, const char *bottom, const char *end)
{
    unsigned char seen[MAX_PAGES_SEEN];
    size_t n = (size_t)(end - bottom) / p->page_bytes;

    BUG_IF(n > sizeof(seen));
    if (n == 0 || mincore((void *)(uintptr_t)bottom, n * p->page_bytes, seen) != 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (seen[i] & 1)
            return true;
    return false;
}

static void give_back(const char *from, const char *to)
{
    (void)madvise((void *)(uintptr_t)from, (size_t)(to - from), MADV_DONTNEED);
}

/* Gives the pages that few visits need back to the kernel. */
static void trim_depth(const struct stack_pool *p, struct stack *st)
{
    char *end = st->top - STACK_KEPT_BYTES;

    if (st->n_given++ % LOOK_EVERY == 0 && is_resident(p, st->bottom, end))
        give_back(st->bottom, end);
}

static size_t in_use(const struct stack_pool *p)
{
    return p->n_mapped - p->n_warm - p->n_cold;
}

/*
 * Gives all pages of up to n of those idle the longest back to the kernel, while more are warm than were in use lately.
 * Visits come in waves: were a stack trimmed in each trough, the next crest would fault its pages in
 * anew, and each return interrupts the other threads' CPUs.
 */
static void trim_surplus(struct stack_pool *p, size_t n)
{
    size_t peak = MAX(p->peak, p->peak_before);

    for (; n && p->n_warm > MIN_IDLE && p->n_warm + in_use(p) > peak; n--) {
        struct stack *st = CONTAINER_OF(p->warm.prev, struct stack, node);

        list_remove(&st->node);
        p->n_warm--;
        give_back(st->bottom, st->top);
        add_cold(p, st);
    }
}

struct stack_pool *stack_pool_new(enum stack_guard best, size_t max_protected)
{
    struct stack_pool *p = mem_alloc(sizeof(*p));

    p->best = best;
    p->max_protected = max_protected;
    p->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    p->next_slab = FIRST_SLAB;
    list_init(&p->warm);
    list_init(&p->cold);
    return p;
}

void stack_pool_free(struct stack_pool *p)
{
    if (!p)
        return;
    BUG_IF(p->n_warm + p->n_cold != p->n_mapped);
    while (p->slabs) {
        struct slab *slab = p->slabs;

        p->slabs = slab->next;
        for (size_t i = 0; i < slab->n_stacks; i++)
            VALGRIND_STACK_DEREGISTER(slab->stacks[i].valgrind_id);
        munmap(slab->base, slab->n_bytes);
        mem_free(slab);
    }
    mem_free(p);
}

enum err stack_take(struct stack_pool *p, struct stack **out)
{
    struct list_node *n = list_take_first(&p->warm);

    if (n) {
        p->n_warm--;
    } else {
        enum err e = list_is_empty(&p->cold) ? add_slab(p) : OK;

        if (e)
            return e;
        n = list_take_first(&p->cold);
        BUG_IF(!n);
        p->n_cold--;
    }
    p->peak = MAX(p->peak, in_use(p));
    *out = CONTAINER_OF(n, struct stack, node);
    return OK;
}

void stack_give(struct stack_pool *p, struct stack *st)
{
    BUG_IF(!stack_is_intact(st));
    /* The outermost frame never returns, so its red zones are still poisoned. */
    ASAN_UNPOISON_MEMORY_REGION(st->bottom, USABLE_BYTES);
    (void)VALGRIND_MAKE_MEM_UNDEFINED(st->bottom, USABLE_BYTES);
    trim_depth(p, st);
    list_add_first(&p->warm, &st->node);
    p->n_warm++;
    trim_surplus(p, TRIM_A_GIVE);
}

void stack_pool_age(struct stack_pool *p)
{
    p->peak_before = p->peak;
    p->peak = in_use(p);
    trim_surplus(p, TRIM_AN_AGE);
}

bool stack_is_intact(const struct stack *st)
{
    if (st->guard != STACK_GUARD_NONE)
        return true;
    for (size_t i = 0; i < CANARY_WORDS; i++)
        if (canary_of(st)[i] != CANARY)
            return false;
    return true;
}

void stack_paint(struct stack *st)
{
    memset(st->bottom, PAINT, USABLE_BYTES);
}

size_t stack_depth(const struct stack *st)
{
    const char *at = st->bottom;

    /* To valgrind what lies below a stack pointer is out of bounds. */
    (void)VALGRIND_MAKE_MEM_DEFINED(st->bottom, USABLE_BYTES);
    while (at < st->top && *(const unsigned char *)at == PAINT)
        at++;
    return (size_t)(st->top - at);
}

void stack_pool_get_stats(const struct stack_pool *p, struct stack_pool_stats *out)
{
    *out = (struct stack_pool_stats){
        .mapped = p->n_mapped,
        .in_use = in_use(p),
        .unguarded = p->n_unguarded,
    };
}
