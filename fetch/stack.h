/* SPDX-License-Identifier: MIT */
/*
 * Where coroutine stacks come from: 64 KiB each, mapped in slabs, kept when
 * given back and handed out again, last one first (its pages are warm).
 *
 * A touch below a stack must not reach its neighbour. Three ways, the first
 * that works: a guard the kernel keeps in the page table (MADV_GUARD_INSTALL,
 * Linux 6.13; costs no mapping), a page without access (mprotect; two mappings
 * a stack, and the kernel allows some 65,000), or no guard but a canary whose
 * death stack_is_intact reports, after the fact.
 *
 * Invariants
 * 1. No stack is unmapped before its pool is freed.
 * 2. What stack_give kept resident is at most STACK_KEPT_BYTES a stack that was
 *    looked at (the first time and every 16th).
 * 3. No more stacks hold memory for good than a few, or than were in use at a time in the last two
 *    periods (stack_pool_age): those that came back last, which are also taken first.
 *
 * Knows nothing of coroutines; nothing here suspends.
 */
#pragma once

#include "config/err.h"
#include "config/list.h"

/* Usable bytes; four times as much under AddressSanitizer, whose frames are larger. */
#define STACK_BYTES      ((size_t)64 * 1024)
#define STACK_KEPT_BYTES ((size_t)16 * 1024)

/* Beyond this many mprotect guards stacks go without: half the kernel's default map limit. */
#define STACK_MAX_PROTECTED ((size_t)15000)

struct stack_pool;

/* One stack; the fields are for reading. */
struct stack {
    char *bottom; /* lowest usable byte; the guard lies below */
    char *top;    /* one past the highest */
    struct list_node node; /* among the idle ones */
    uint8_t guard; /* enum stack_guard */
    uint8_t n_given; /* how often it came back, modulo 256 */
    unsigned valgrind_id;
};

enum stack_guard {
    STACK_GUARD_MARKED,    /* MADV_GUARD_INSTALL */
    STACK_GUARD_PROTECTED, /* mprotect */
    STACK_GUARD_NONE,      /* canary only */
};

/*
 * An empty pool; maps nothing yet. best and max_protected are for tests of the
 * weaker guards; STACK_GUARD_MARKED and STACK_MAX_PROTECTED are the ordinary.
 */
struct stack_pool *stack_pool_new(enum stack_guard best, size_t max_protected);

/* Every stack must have been given back. NULL is fine. */
void stack_pool_free(struct stack_pool *p);

/* An idle stack, or a new one. Belongs to the pool. ERR_NO_MEMORY. */
enum err stack_take(struct stack_pool *p, struct stack **out) MUST_USE;

/* Back to the pool. Nothing may run on it. Aborts when its canary died. */
void stack_give(struct stack_pool *p, struct stack *st);

/*
 * A period ends: to be called every some seconds. What the peak of the one before the last left over goes back
 * to the kernel, 512 stacks at once and the others as stacks come back.
 */
void stack_pool_age(struct stack_pool *p);

/* False when something wrote below a stack that has no guard. Cheap; true for guarded ones. */
bool stack_is_intact(const struct stack *st);

/*
 * Fills the stack with a pattern (and makes all of it resident), so that
 * stack_depth can tell afterwards how deep it was used, in bytes from the top.
 */
void stack_paint(struct stack *st);
size_t stack_depth(const struct stack *st);

struct stack_pool_stats {
    size_t mapped; /* stacks in all */
    size_t in_use;
    size_t unguarded; /* of the mapped ones */
};

void stack_pool_get_stats(const struct stack_pool *p, struct stack_pool_stats *out);
