/* SPDX-License-Identifier: MIT */
/*
 * The raw half of a coroutine: a stack and the place where it was left. One
 * fiber, home, is the stack that calls coro_fiber_resume; all others run on
 * stacks of a stack_pool and go back home when they suspend or end. Tells
 * AddressSanitizer and ThreadSanitizer of every switch.
 *
 * Only fetch/sched.c, tests and benchmarks use this; everything else sees
 * coroutines through fetch/sched.h. Knows nothing of queues, time and groups.
 */
#pragma once

#include "fetch/stack.h"

/* The caller's storage; must not move between open and close. */
struct coro_fiber {
    void *sp; /* where it was left */
    struct coro_fiber *home;
    struct stack *stack; /* NULL for home */
    void (*fn)(void *arg);
    void *arg;
    bool is_done;
    /* For the sanitizers; unused without them. */
    void *fake_stack;
    void *thread_state;
    const void *bottom;
    size_t n_bytes;
};

/* Makes the running thread's own stack the home of fibers to come. */
void coro_fiber_init_home(struct coro_fiber *home);

/* A fiber that will run fn(arg) on the given stack, which stays the caller's to give back. */
void coro_fiber_open(struct coro_fiber *f, struct coro_fiber *home, struct stack *stack,
                     void (*fn)(void *arg), void *arg);

/* From home only: runs f until it suspends or its function returns. It must not be done. */
void coro_fiber_resume(struct coro_fiber *f);

/* From f only: goes home; returns when f is resumed. */
void coro_fiber_suspend(struct coro_fiber *f);

/* From home only, when f is done or never ran. Afterwards its stack may be given back. */
void coro_fiber_close(struct coro_fiber *f);
