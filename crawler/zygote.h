/* SPDX-License-Identifier: MIT */
/*
 * The process that parser processes are forked from: this program, executed
 * again right at the start, before any thread, database or big heap exists. It
 * forks on request, passes a pidfd back, reaps, and reports how each child
 * ended. It reads nothing that came from outside, ignores the signals of the
 * terminal, and dies with its parent, as its children die with it.
 *
 * One zygote a process (the descriptor and the process id are file-level state
 * for that reason); it may be started again when it was killed.
 *
 *   parent -> zygote   order: struct worker_options, with the descriptors
 *   zygote -> parent   started (pid, pidfd) | refused (errno) | exited (wait status)
 */
#pragma once

#include <sys/types.h>

#include "config/err.h"
#include "parse/worker.h"

/* Starts it; OK at once when it is running. ERR_IO. Blocks for the time of an exec. */
enum err zygote_start(struct err_note *note) MUST_USE;

/*
 * Ends it and, through it, every worker; waits until they are gone, so that their time counts
 * where somebody measures this program's. Nothing when it is not running.
 */
void zygote_stop(void);

/* Readable when there is news; -1 when it is not running. */
int zygote_fd(void);
/* Its process id, 0 when it is not running. */
pid_t zygote_pid(void);

/*
 * Asks for a worker; serial comes back in the news about it. Descriptors are
 * duplicated on the way. ERR_CLOSED when the zygote is gone, ERR_FULL when it
 * does not take messages, ERR_IO.
 */
enum err zygote_order(uint64_t serial, const struct worker_options *o,
                      struct err_note *note) MUST_USE;

enum zygote_news_kind {
    ZYGOTE_STARTED,
    ZYGOTE_REFUSED,
    ZYGOTE_EXITED,
};

struct zygote_news {
    enum zygote_news_kind kind;
    uint64_t serial;
    pid_t pid;
    int pidfd;       /* ZYGOTE_STARTED: the taker's, -1 when the kernel gave none */
    int status;      /* ZYGOTE_EXITED: as from waitpid */
    int errno_value; /* ZYGOTE_REFUSED */
};

/* Does not block. ERR_NOT_FOUND: nothing new. ERR_CLOSED: the zygote died; it is cleared away. */
enum err zygote_take_news(struct zygote_news *out) MUST_USE;

/* Closes what came with news that nobody wants. */
void zygote_drop_news(const struct zygote_news *news);

/*
 * True when argv says that this process is to be the zygote; it then has been
 * one until its parent was gone, and *exit_code is what main returns.
 */
bool zygote_main(int argc, char **argv, int *exit_code);
