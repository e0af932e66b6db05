/* SPDX-License-Identifier: MIT */
/*
 * Cuts a connection that will not let libcurl go. libcurl reads as long as there is
 * something to read: a server that sends HTTP/2 PINGs faster than they are answered kept
 * one step of the loop busy for as long as it liked (3.6 s measured, with 7.88; promise
 * P57). A thread looks every WATCHDOG_LOOK_NS whether the loop is still in the step, and
 * for the same connection, that it saw the last time. After WATCHDOG_MOST_NS, of which the
 * loop's thread worked for WATCHDOG_BUSY_NS at least (a fifth was its own in that flood,
 * the rest the kernel's), it shuts the socket down, and the step ends with an error of
 * that transfer. A machine that is merely slow, or asleep, cuts nothing.
 *
 * Only steps that begin with an event on a socket are watched: where libcurl's own timer begins
 * one, nobody can say which socket it reads from.
 *
 * Between the last look at the step and the shutdown the loop may have closed the socket
 * and opened another under its number: that one would fail, and be tried again.
 */
#pragma once

#include <stdint.h>

#include "config/clock.h"
#include "config/err.h"

#define WATCHDOG_LOOK_NS (20 * NS_PER_MS)
#define WATCHDOG_MOST_NS (120 * NS_PER_MS)
#define WATCHDOG_BUSY_NS (20 * NS_PER_MS)

struct watchdog;

/* Starts the thread, which watches over the calling one. ERR_NO_MEMORY where it cannot. */
enum err watchdog_open(struct watchdog **out) MUST_USE;
/* Ends the thread. NULL is fine. */
void watchdog_close(struct watchdog *w);

/* Around each step, by the thread that is watched: two stores, no system call. */
void watchdog_enter(struct watchdog *w, int fd);
void watchdog_leave(struct watchdog *w);

/* Connections cut so far. */
uint64_t watchdog_n_cut(const struct watchdog *w);
