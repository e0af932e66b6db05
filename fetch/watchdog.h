/* SPDX-License-Identifier: MIT */
/*
 * Cuts a connection that will not let libcurl go. libcurl reads as long as there is
 * something to read: a server that sends HTTP/2 PINGs, or frames without content, faster
 * than they are answered kept one step of the loop busy for as long as it liked (3.6 s
 * measured, with 7.88; promise P57). A thread looks every WATCHDOG_LOOK_NS, and sleeps while
 * there are no steps. It shuts the socket down when for WATCHDOG_MOST_NS the loop was in one step, for this connection,
 * which brought WATCHDOG_FLOOD_BYTES or more in that time, and nothing of them was handed
 * to us. The step then ends with an error of that transfer.
 *
 * Nobody else is cut: a handshake on a slow machine brings no such amount, a fast download
 * hands its data over, and where the machine is busy or asleep the loop's thread did not
 * work for WATCHDOG_BUSY_NS (a fifth of a step in that flood was its own, the rest the
 * kernel's).
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

#define WATCHDOG_LOOK_NS     (10 * NS_PER_MS)
#define WATCHDOG_QUIET_LOOKS 4 /* without a step; then it sleeps until there is one */
#define WATCHDOG_MOST_NS     (15 * NS_PER_MS)
#define WATCHDOG_BUSY_NS     (2 * NS_PER_MS)
#define WATCHDOG_FLOOD_BYTES UINT64_C(65536)

struct watchdog;

/* Starts the thread, which watches over the calling one. ERR_NO_MEMORY where it cannot. */
enum err watchdog_open(struct watchdog **out, struct err_note *note) MUST_USE;
/* Ends the thread. NULL is fine. */
void watchdog_close(struct watchdog *w);

/* Around each step, by the thread that is watched: two stores, a system call only where it was asleep. */
void watchdog_enter(struct watchdog *w, int fd);
void watchdog_leave(struct watchdog *w);
/* Within a step: something was handed over, so its time begins anew. */
void watchdog_note_data(struct watchdog *w);

/* Connections cut so far. */
uint64_t watchdog_n_cut(const struct watchdog *w);
