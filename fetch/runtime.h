/* SPDX-License-Identifier: MIT */
/*
 * What fetch/sched.c and fetch/group.c know of each other; nobody else includes
 * this. The public side is fetch/sched.h.
 *
 * Invariants
 * 1. A struct coro is never freed before its scheduler: done ones are used
 *    again. A stale coro_waiter therefore points at a coroutine, if not at its
 *    own, and serials, which are never used twice, tell.
 * 2. A coroutine is in the ready queue exactly in state CORO_READY, and its
 *    timer is armed only in CORO_WAITING.
 * 3. A member is in group->live until done, then in group->done until joined.
 */
#pragma once

#include "fetch/coro.h"
#include "fetch/sched.h"

enum coro_state {
    CORO_READY,
    CORO_RUNNING,
    CORO_WAITING,
    CORO_DONE,
};

/* A wait from coro_waiter_prepare to the return of coro_wait. */
enum coro_wait_state {
    CORO_WAIT_NONE,
    CORO_WAIT_OPEN,  /* may be woken, whether suspended yet or not */
    CORO_WAIT_ENDED, /* decided; wait_err and wake_value hold */
};

struct joiner;

struct coro {
    struct coro_fiber fiber;
    struct list_node queue_node; /* in sched->ready, or sched->idle once freed */
    struct list_node group_node; /* in group->live or group->done */
    struct sched *sched;
    struct group *group;
    const char *name;
    coro_fn *fn;
    void *arg;
    intptr_t value; /* what fn returned */
    enum coro_state state;
    bool is_cancelled;
    bool is_shielded; /* waits go on although cancelled: group_cancel_and_join */
    bool is_painted;
    enum coro_wait_state wait;
    enum err wait_err;
    intptr_t wake_value;
    uint64_t serial; /* of the last wait prepared */
    struct loop_timer timer;
    struct joiner *joiner; /* who waits for this very coroutine */
};

struct group {
    struct sched *sched;
    struct list_node children; /* groups, by sibling_node */
    struct list_node sibling_node;
    struct list_node live, done;
    struct list_node any_joiners, all_joiners;
    size_t n_live;
    bool is_cancelled, is_detached;
};

/* A new coroutine in state ready that belongs to g. ERR_NO_MEMORY. */
enum err sched_add_coro(struct group *g, const char *name, coro_fn *fn, void *arg,
                        struct coro **out) MUST_USE;

/* A done coroutine nobody needs any more. */
void sched_free_coro(struct coro *c);

/* Groups alive; the scheduler refuses to close while there are any. */
void sched_count_group(struct sched *s, int change);

/* c has returned: hands its value to whoever waits. */
void group_finish_member(struct coro *c);

/* Would coro_wake be taken? */
static inline bool coro_waiter_is_open(struct coro_waiter w)
{
    return w.coro && w.coro->serial == w.serial && w.coro->wait == CORO_WAIT_OPEN;
}
