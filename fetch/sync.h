/* SPDX-License-Identifier: MIT */
/*
 * What coroutines meet at: wait queue (condition), one-shot event, semaphore,
 * mutex, bounded channel, and the counted tracker ("all work done"). Objects
 * live in the caller's storage, all waits are first come first served, every
 * suspending call takes a deadline and returns ERR_TIMEOUT or ERR_CANCELLED.
 * Waking calls may be made from callbacks; none of this is for threads.
 *
 * Invariants
 * 1. What is there is taken even when the deadline has passed, but a cancelled
 *    coroutine gets ERR_CANCELLED even when it would not have to wait.
 * 2. A permit or item is handed straight to the first waiter whose wait is
 *    still open, so a newcomer cannot snatch it, and a waiter that timed out or
 *    was cancelled does not swallow it. Who got it keeps it: OK, although a
 *    cancel or deadline may follow before it runs.
 */
#pragma once

#include "fetch/sched.h"

/* --- wait queue: the condition variable of coroutines ---------------------- */
struct waitq {
    struct list_node waiters;
};
void waitq_init(struct waitq *q);
/* Suspends until woken. Re-check the condition afterwards. ERR_TIMEOUT, ERR_CANCELLED. */
enum err waitq_wait(struct waitq *q, deadline until) MUST_USE;
/* Wakes who has waited longest, or all. Nobody there: nothing is remembered. */
void waitq_wake_one(struct waitq *q);
void waitq_wake_all(struct waitq *q);
/* True when nobody waits. */
bool waitq_is_empty(const struct waitq *q);

/* --- event: set once, seen by all ------------------------------------------- */
struct event {
    struct waitq waiters;
    bool is_set;
};
void event_init(struct event *e);
/* From now on nobody waits. Setting it again does nothing. */
void event_set(struct event *e);
/* Suspends until set. ERR_TIMEOUT, ERR_CANCELLED. */
enum err event_wait(struct event *e, deadline until) MUST_USE;

/* --- semaphore --------------------------------------------------------------- */
struct sem {
    struct waitq waiters;
    int64_t permits; /* free ones; a hand-over to a waiter never shows here */
};
/* permits >= 0. */
void sem_init_permits(struct sem *s, int64_t permits);
/* Takes a permit; suspends while there is none. ERR_TIMEOUT, ERR_CANCELLED. */
enum err sem_enter(struct sem *s, deadline until) MUST_USE;
/* Takes a permit if one is free. */
bool sem_try_enter(struct sem *s);
/* Gives a permit back, or one more. */
void sem_leave(struct sem *s);

/* --- mutex: a semaphore with an owner, checked ---------------------------------- */
struct mutex {
    struct sem sem;
    struct coro *owner;
};
void mutex_init(struct mutex *m);
/* Suspends while another coroutine owns it. Not recursive. ERR_TIMEOUT, ERR_CANCELLED. */
enum err mutex_lock(struct mutex *m, deadline until) MUST_USE;
/* By the owner only. */
void mutex_unlock(struct mutex *m);

/* --- bounded channel ----------------------------------------------------------------- */
enum chan_order {
    CHAN_FIFO,
    CHAN_LIFO,
    CHAN_PRIORITY, /* smallest key first, equal keys first in first out */
};
struct chan_slot;
struct chan {
    struct chan_slot *slots; /* ring, or heap for CHAN_PRIORITY */
    size_t cap, len, head;
    uint64_t next_order;
    enum chan_order order;
    bool is_closed;
    struct waitq senders, receivers;
};
/* cap >= 1. Items are pointers that the channel never looks into. */
void chan_init(struct chan *c, enum chan_order order, size_t cap);
/* No waiter and no item may be left. */
void chan_clear(struct chan *c);
/*
 * Suspends while full. key counts for CHAN_PRIORITY only. ERR_CLOSED (also when
 * closed meanwhile; the item stays the caller's), ERR_TIMEOUT, ERR_CANCELLED.
 */
enum err chan_send(struct chan *c, void *item, int64_t key, deadline until) MUST_USE;
/* False when full or closed. */
bool chan_try_send(struct chan *c, void *item, int64_t key);
/* Suspends while empty. ERR_CLOSED when closed and empty, ERR_TIMEOUT, ERR_CANCELLED. */
enum err chan_receive(struct chan *c, deadline until, void **out) MUST_USE;
/* False when empty. */
bool chan_try_receive(struct chan *c, void **out);
/* No more sends; receivers get what is left, then ERR_CLOSED. */
void chan_close(struct chan *c);

/* --- tracker: the counted queue's task_done and join ------------------------------------- */
struct tracker {
    struct waitq waiters;
    int64_t n_open;
};
void tracker_init(struct tracker *t);
/* One more piece of work is open. */
void tracker_add(struct tracker *t);
/* One piece of work is done; the last one wakes the waiters. Below zero is a bug. */
void tracker_done(struct tracker *t);
/* Suspends until nothing is open (not at all when nothing is). ERR_TIMEOUT, ERR_CANCELLED. */
enum err tracker_wait(struct tracker *t, deadline until) MUST_USE;
