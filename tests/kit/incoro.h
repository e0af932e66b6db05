/* SPDX-License-Identifier: MIT */
/*
 * Runs a scenario inside a coroutine. cmocka's failed assertion is a longjmp to
 * the runner's frame, which must not start on another stack: the scenario
 * records what it saw, the test asserts afterwards.
 */
#pragma once

#include "fetch/sched.h"

/*
 * Opens a loop and a scheduler, runs fn(seen) as its first coroutine, and comes
 * back when no coroutine is left and everything is closed. Returns what fn
 * returned. Aborts when the scenario leaves a watch, timer or group behind.
 */
intptr_t in_coroutine(coro_fn *fn, void *seen);

/* Inside the scenario: its scheduler, its loop, and a deadline ms from now. */
struct sched *incoro_sched(void);
struct loop *incoro_loop(void);
deadline incoro_after_ms(int64_t ms);

/* cmocka fixtures: fake clock at time zero, so that waiting costs nothing; and the real one again. */
int incoro_start_clock(void **state);
int incoro_stop_clock(void **state);
