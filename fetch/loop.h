/* SPDX-License-Identifier: MIT */
/*
 * The one event loop of the program: epoll (level-triggered), a timer heap,
 * signals, and wake-ups from other threads. It runs on one thread; only
 * loop_wakeup_signal may be called from another.
 *
 * Invariants
 * 1. A callback never switches coroutines: it records, wakes, returns.
 * 2. A watch id carries slot and generation, so an event queued for a watch
 *    that was removed (its fd perhaps reused) is skipped.
 * 3. Time is read once a turn: loop_now is the same within one turn.
 * 4. Hang-up and error bits always reach the callback.
 */
#pragma once

#include <signal.h>
#include <sys/epoll.h>

#include "config/err.h"
#include "config/heap.h"

struct loop;

/* events: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP as the kernel reported them. */
typedef void loop_fd_fn(void *arg, uint32_t events);
typedef void loop_fn(void *arg);
typedef void loop_signal_fn(void *arg, int signo);

/* Slot and generation; 0 is never a live watch. */
typedef uint64_t loop_watch_id;

/* ERR_IO when the kernel gives no descriptor. */
enum err loop_open(struct loop **out, struct err_note *note) MUST_USE;

/* No watch, timer or wake-up may be left but those of signals. NULL is fine. */
void loop_close(struct loop *l);

/* Nanoseconds, read at the start of this turn. */
int64_t loop_now(const struct loop *l);

/*
 * Starts watching fd. The caller keeps the fd and removes the watch before
 * closing it. ERR_EXISTS when it is watched already, ERR_IO (errno set) when
 * the kernel refuses it.
 */
enum err loop_watch(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn, void *arg,
                    loop_watch_id *out) MUST_USE;

/* Changes what is waited for. A dead id is ignored. */
void loop_watch_change(struct loop *l, loop_watch_id id, uint32_t events);

/* Stops watching. A dead id (or 0) is ignored; an fd already closed is tolerated. */
void loop_unwatch(struct loop *l, loop_watch_id id);

/* A timer lives in the caller's storage; initialise with loop_timer_init. */
struct loop_timer {
    struct heap_node node;
    loop_fn *fn;
    void *arg;
};

/* Not set yet. fn and arg are borrowed. */
void loop_timer_init(struct loop_timer *t, loop_fn *fn, void *arg);

/*
 * Fires once at the given moment, or in the next turn when it has passed.
 * Setting again moves it.
 */
void loop_timer_set(struct loop *l, struct loop_timer *t, deadline at);
/* A timer that is not set is fine. */
void loop_timer_clear(struct loop *l, struct loop_timer *t);

/*
 * A wake-up other threads can signal; many signals before a turn give one call.
 * ERR_IO (errno set).
 */
struct loop_wakeup;
enum err loop_wakeup_open(struct loop *l, loop_fn *fn, void *arg,
                          struct loop_wakeup **out) MUST_USE;
/* Also from its own callback. NULL is fine. */
void loop_wakeup_close(struct loop_wakeup *w);
/* Any thread, any signal handler. */
void loop_wakeup_signal(struct loop_wakeup *w);

/*
 * Blocks these signals and delivers them to fn on the loop, until loop_close
 * restores the mask. Call before other threads start (they and child processes
 * inherit the mask). At most once a loop. ERR_IO, ERR_INVALID.
 */
enum err loop_signals(struct loop *l, const sigset_t *set, loop_signal_fn *fn, void *arg) MUST_USE;

/*
 * One turn: waits for events until the given moment at most (0: does not
 * wait), then runs what is due: fds, wake-ups and signals, then timers, so that
 * after a stall an answer that is there wins over its own time-out. What a
 * timer sets anew fires in a later turn.
 *
 * With the fake clock (config/clock.h) a turn does not sleep: where it would
 * wait and no fd is ready, the clock jumps to the first timer or the given
 * moment, whichever is earlier. So tests over timers run at once; tests that
 * wait for real descriptors and have timers pending need the real clock. With
 * nothing to jump to (no timer, DEADLINE_NEVER) it waits for descriptors, and
 * aborts where none is watched either.
 */
void loop_turn(struct loop *l, deadline wait_until);

/*
 * Turns made, how many kept the loop busy for LOOP_SLOW_NS or more, and the
 * longest one so far in ns, callbacks and coroutines included (promise P57).
 */
#define LOOP_SLOW_NS (50 * NS_PER_MS)

struct loop_stats {
    uint64_t turns;
    uint64_t events;
    uint64_t slow_steps;
    int64_t longest_step_ns;
};
/* The numbers so far. */
void loop_get_stats(const struct loop *l, struct loop_stats *out);

/* All that this turn brought has run: said once a turn by whoever turns the loop, coroutines included. */
void loop_end_step(struct loop *l);

/* This turn has lasted LOOP_SLICE_NS: what can wait for the next one should. Looks at the clock. */
#define LOOP_SLICE_NS (5 * NS_PER_MS)
bool loop_is_late(const struct loop *l);
