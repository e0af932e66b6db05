/* SPDX-License-Identifier: MIT */
/*
 * Scenarios of several coroutines around one object of fetch/sync.h: each actor
 * does its wait and notes how and when it ended, in the order of ending. The
 * test asserts afterwards, on the main stack.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "fetch/sync.h"
#include "tests/kit/incoro.h"

enum {
    MAX_NOTES = 32,
};

struct seen {
    struct group *g;
    struct waitq q;
    struct event event;
    struct sem sem;
    struct mutex mutex;
    struct chan chan;
    struct tracker tracker;
    int notes[MAX_NOTES];
    int n;
    enum err e[MAX_NOTES]; /* by actor */
    int64_t at_ms[MAX_NOTES];
    enum err trouble; /* of anything that must not fail */
    int64_t left;
    bool flag[4];
};

/* One coroutine of a scenario. */
struct actor {
    struct seen *s;
    int id;
    int64_t wait_ms; /* its deadline; below 0: never */
};

/* Its deadline, counted from now. */
static inline deadline until(const struct actor *a)
{
    return a->wait_ms < 0 ? DEADLINE_NEVER : incoro_after_ms(a->wait_ms);
}

/* Records how the actor's wait ended, and that it is its turn now. */
static inline intptr_t note(struct actor *a, enum err e)
{
    a->s->e[a->id] = e;
    a->s->at_ms[a->id] = loop_now(incoro_loop()) / NS_PER_MS;
    if (a->s->n < MAX_NOTES)
        a->s->notes[a->s->n++] = a->id;
    return 0;
}

/* Starts fn(a) in the scenario's group. */
static inline struct coro *start(struct seen *s, struct actor *a, coro_fn *fn)
{
    struct coro *c = NULL;

    if (!s->g)
        s->g = group_new(incoro_sched(), NULL);
    a->s = s;
    s->trouble |= group_spawn(s->g, "actor", fn, a, &c);
    return c;
}

/* Starts them in order and lets each get to its wait. */
static inline void start_all(struct seen *s, struct actor *actors, size_t n,
                             coro_fn *fn)
{
    for (size_t i = 0; i < n; i++)
        (void)start(s, &actors[i], fn);
    s->trouble |= coro_yield();
}

/* For the scenario itself. */
static inline void sleep_ms(struct seen *s, int64_t ms)
{
    s->trouble |= coro_sleep_until(incoro_after_ms(ms));
}

/* Waits for every actor. */
static inline void join(struct seen *s)
{
    s->trouble |= group_join(s->g, DEADLINE_NEVER);
    group_free(s->g);
    s->g = NULL;
}

/* On the main stack: nothing went wrong and the actors ended in this order. */
static inline void assert_notes(const struct seen *s, const int *want, int n)
{
    assert_int_equal(s->trouble, OK);
    assert_int_equal(s->n, n);
    assert_memory_equal(s->notes, want, (size_t)n * sizeof(*want));
}
