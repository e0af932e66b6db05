/* SPDX-License-Identifier: MIT */
/*
 * Heap memory. Small, fixed-size allocations (mem_*) abort with a message when
 * there is none; allocations whose size an outsider chooses use the try_ form
 * and return NULL. The try_ form aborts too when it wants no more than
 * MEM_SMALL: nobody chose a size that matters then, the machine has nothing
 * left, and a caller who took NULL for "too large" would drop a link or blame a
 * page. What was committed is safe, and the next start goes on. Only
 * config/{mem,arena}.c call malloc.
 */
#pragma once

#include "config/base.h"
#include "config/span.h"

#define MEM_SMALL ((size_t)64 * KIB)

/*
 * To be called first in main(): freed memory stays with the process for the
 * next page instead of going back to the kernel, where each return and each
 * first touch costs as much as parsing a kilobyte.
 */
void mem_start(void);

/*
 * Gives whole free pages between what is in use back to the kernel, once they may be many: after
 * bursts they lie there for good else. It looks at all that is free: where that took long the last time it is
 * done again only when there is more, or with the sixth call. One thread. True where it was done.
 */
bool mem_give_back(void);
/* At once and however little it is: after work that took much and is not done again. */
void mem_give_back_all(void);

/*
 * Has the kernel put memory behind [p, p + n) in one go, instead of at the first touch of each of its
 * pages (decision 0027). For what is about to be written, as it takes that memory. Contents stay. Where the kernel
 * cannot, nothing happens.
 */
void mem_ready(void *p, size_t n);

/*
 * The same for the next n bytes, or more than half of them, that this thread's heap will grow by: to be called
 * again and again where it may grow. No system call where it did not. n is less than 4 MiB.
 */
void mem_ahead(size_t n);

/* n bytes, zeroed. Never NULL. */
void *mem_alloc(size_t n) MUST_USE;

/* count * size bytes, zeroed. Never NULL; a product that overflows aborts. */
void *mem_array(size_t count, size_t size) MUST_USE;

/* n bytes, not zeroed, or NULL if n is over MEM_SMALL. */
void *mem_try_alloc(size_t n) MUST_USE;

/* As mem_try_alloc, zeroed: of much only what is touched takes memory. */
void *mem_try_zeroed(size_t n) MUST_USE;

/* Grows or shrinks; old is untouched when NULL is returned, as by mem_try_alloc. */
void *mem_try_resize(void *old, size_t n) MUST_USE;

/* The same, and NULL whatever is wanted: for who can do without (config/small.h). */
void *mem_ask(size_t n) MUST_USE;
void *mem_ask_resize(void *old, size_t n) MUST_USE;

/* Grows or shrinks. Never NULL. */
void *mem_resize(void *old, size_t n) MUST_USE;

/* Says that n bytes were not to be had, and aborts: the end of every call above that is never NULL. */
NORETURN void mem_out_of_memory(size_t n);

/* A NUL-terminated copy. Never NULL. */
char *mem_str_copy(struct span s) MUST_USE;

/* free(); NULL is fine. */
void mem_free(void *p);

/*
 * For tests: the nth allocation from now (1 = the next) fails once; 0 turns it
 * off. A try_ form returns NULL whatever it wants; a failing mem_alloc aborts
 * through the hook below.
 */
void mem_fail_after(int64_t n);

/* What to call instead of abort() when a small allocation fails. NULL restores. */
void mem_set_oom_hook(void (*hook)(void));
