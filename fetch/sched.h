/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: stackful coroutines on one thread, in groups that outlive
 * their members (structured concurrency).
 *
 * A coroutine runs until it waits; what may wait takes a deadline (but
 * coro_yield). Between two waits nothing else runs. Waking puts a coroutine on
 * the ready queue and never switches. Cancelling makes the present wait and
 * every later one return ERR_CANCELLED at once, so that the coroutine unwinds
 * through its own cleanup; nothing is ever dropped in mid-stack.
 *
 *   state     -> state     by
 *   ready        running   sched_run (first in, first out)
 *   running      waiting   coro_wait
 *   waiting      ready     coro_wake, its deadline, group_cancel
 *   running      ready     coro_yield
 *   running      done      return from its function
 *   done         (freed)   joined, or its group's group_join/group_free
 *
 * No heavy library runs on a coroutine stack (64 KiB): no curl, no SQLite, no
 * libxml2, no getaddrinfo.
 */
#pragma once

#include "config/err.h"
#include "config/list.h"
#include "fetch/loop.h"

struct sched;
struct group;
struct coro;

/* What a coroutine runs; the returned value goes to whoever joins it. */
typedef intptr_t coro_fn(void *arg);

/* The loop stays the caller's. Cannot fail today; stacks are mapped on demand. */
enum err sched_open(struct loop *l, struct sched **out, struct err_note *note) MUST_USE;
/* No coroutine and no group may be left. NULL is fine. */
void sched_close(struct sched *s);
/* The loop given to sched_open. */
struct loop *sched_loop(const struct sched *s);

/* Runs coroutines and turns of the loop until sched_stop, or until no coroutine is left. */
void sched_run(struct sched *s);
/* Makes sched_run return soon; a later sched_run goes on. */
void sched_stop(struct sched *s);

/* Live coroutines. */
size_t sched_count(const struct sched *s);

struct sched_stats {
    uint64_t switches;
    size_t live, peak_live;
    size_t stacks;           /* mapped now */
    size_t unguarded_stacks; /* beyond the kernel's map limit, with a canary only */
};
/* To be called every some seconds: stacks that were not needed for two such periods lose their memory. */
void sched_age(struct sched *s);
/* The numbers so far. */
void sched_get_stats(const struct sched *s, struct sched_stats *out);

/*
 * The stack census: from the call on, the stacks of new coroutines are painted
 * (64 KiB resident each) and measured when done. sched_get_census gives one row
 * a name, in no order, borrowed until the next coroutine ends, and returns
 * their number.
 */
struct sched_census_row {
    const char *name;
    size_t max_bytes; /* deepest use of a stack, from its top */
    uint64_t n_done;
};
void sched_start_census(struct sched *s);
size_t sched_get_census(const struct sched *s, const struct sched_census_row **out);

/* --- groups ------------------------------------------------------------- */

/* parent may be NULL: a child group is cancelled with its parent and freed before it. */
struct group *group_new(struct sched *s, struct group *parent);

/* Every member must be done, every child group freed. Values not joined are dropped. */
void group_free(struct group *g);

/*
 * Starts fn(arg) as a member; it first runs at the scheduler's next round.
 * name is a literal for logs and the stack census. out (may be NULL) is valid
 * until joined. ERR_NO_MEMORY when no stack can be had, ERR_CANCELLED in a
 * cancelled group.
 */
enum err group_spawn(struct group *g, const char *name, coro_fn *fn, void *arg,
                     struct coro **out) MUST_USE;

/* Suspends until every member is done. Their values are dropped. ERR_TIMEOUT, ERR_CANCELLED. */
enum err group_join(struct group *g, deadline until) MUST_USE;

/*
 * Suspends until c is done, gives its value and frees it. ERR_TIMEOUT,
 * ERR_CANCELLED. One joiner a member.
 */
enum err group_join_one(struct group *g, struct coro *c, deadline until, intptr_t *out) MUST_USE;

/*
 * Suspends until any member is done: first done, first joined. ERR_NOT_FOUND
 * when there is none (left), ERR_TIMEOUT, ERR_CANCELLED. *out_which is freed
 * already: good for comparing only. out_which may be NULL.
 */
enum err group_join_any(struct group *g, deadline until, struct coro **out_which,
                        intptr_t *out) MUST_USE;

/* Cancels every member, now and to come. Does not wait. */
void group_cancel(struct group *g);

/*
 * Cancels every member and suspends until all are done, even when the caller
 * is cancelled itself: what a coroutine does before group_free on its way out.
 * ERR_TIMEOUT.
 */
enum err group_cancel_and_join(struct group *g, deadline until) MUST_USE;

/* Members that are not done yet. */
size_t group_count(const struct group *g);

/* Members nobody will join: they free themselves when done. Set once, before spawning. */
void group_set_detached(struct group *g);

/* --- inside a coroutine ------------------------------------------------- */

/* The running coroutine, or NULL on the scheduler's own stack. */
struct coro *coro_current(void);
/* As given to group_spawn. */
const char *coro_name(const struct coro *c);
/* The scheduler it runs under. */
struct sched *coro_sched(const struct coro *c);

/* Suspends until then. OK when the time came (a past one is as coro_yield), ERR_CANCELLED. */
enum err coro_sleep_until(deadline until) MUST_USE;

/* Lets every other ready coroutine run once. ERR_CANCELLED when cancelled. */
enum err coro_yield(void) MUST_USE;

/*
 * Between the pieces of long work: lets every other ready coroutine run, and the loop
 * turn, when this turn has lasted LOOP_SLICE_NS. A cancelled one goes on at once.
 */
void coro_breathe(void);

/* Cancels one coroutine. */
void coro_cancel(struct coro *c);
/* True from the cancel on, for ever. */
bool coro_is_cancelled(const struct coro *c);

/*
 * The primitive below every other wait: suspends until coro_wake. The waker
 * hands over a value (out_value may be NULL). OK, ERR_TIMEOUT (at once for a
 * past deadline) or ERR_CANCELLED; after an error a wake that is still on its
 * way is dropped (the wait has a serial number). What comes first counts: a
 * wake is not undone by a cancel or deadline that comes before the coroutine
 * runs again.
 */
struct coro_waiter {
    struct coro *coro;
    uint64_t serial;
};
struct coro_waiter coro_waiter_prepare(void); /* before publishing it, then call coro_wait */
enum err coro_wait(struct coro_waiter w, deadline until, intptr_t *out_value) MUST_USE;
/*
 * From callbacks and other coroutines, never from another thread. Late or
 * repeated wakes do nothing, also when the coroutine is long freed. False when
 * the wake did nothing, so that what was to be handed over can go to another.
 */
bool coro_wake(struct coro_waiter w, intptr_t value);
