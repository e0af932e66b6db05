/* SPDX-License-Identifier: MIT */
/*
 * The switch for every other processor, by ucontext: some fifteen times slower
 * (each switch asks the kernel for the signal mask), but POSIX. Compiles to
 * nothing where there is an assembler file; -DSWITCH_UCONTEXT forces it, then
 * that file must not be linked.
 */
#include <stdint.h>
#include <ucontext.h>

#include "config/base.h"
#include "fetch/switch.h"

#if defined(SWITCH_UCONTEXT) || !(defined(__x86_64__) || defined(__aarch64__))

/* ucontext wants a size; only the end counts, and every stack has this much below it. */
enum {
    ROOM_BYTES = 16384,
};

/* What a fresh stack starts with; lies at the top of that stack. */
struct fresh {
    ucontext_t context;
    void (*fn)(void *arg);
    void *arg;
};

/* makecontext passes ints only, so the pointer comes in two halves. */
static void start(unsigned high, unsigned low)
{
    struct fresh *f = (struct fresh *)(uintptr_t)((uint64_t)high << 32 | low);

    f->fn(f->arg);
    abort();
}

void switch_to(void **out_from, void *to)
{
    ucontext_t here; /* stays valid: this frame is suspended as long as it is needed */

    /* cppcheck-suppress autoVariables */
    *out_from = &here;
    BUG_IF(swapcontext(&here, to) != 0);
}

void *switch_prepare(void *stack_top, void (*fn)(void *arg), void *arg)
{
    uintptr_t at = ((uintptr_t)stack_top - sizeof(struct fresh)) & ~(uintptr_t)63;
    struct fresh *f = (struct fresh *)at;
    uint64_t bits = at;

    f->fn = fn;
    f->arg = arg;
    BUG_IF(getcontext(&f->context) != 0);
    f->context.uc_link = NULL;
    f->context.uc_stack.ss_sp = (char *)at - ROOM_BYTES;
    f->context.uc_stack.ss_size = ROOM_BYTES;
    makecontext(&f->context, (void (*)(void))start, 2, (unsigned)(bits >> 32),
                (unsigned)bits);
    return f;
}

#endif
