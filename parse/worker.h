/* SPDX-License-Identifier: MIT */
/*
 * The parser process: takes requests off its channel (parse/channel.h), parses
 * inside a sandbox (parse/sandbox.h), and answers (parse/wire.h), until it is
 * told to stop or is killed. Every byte that came from the web is decoded and
 * parsed here and nowhere else.
 *
 * It starts with its memory mapped, no file but /dev/null and its doorbell, and
 * no way to get another one. What needs files is loaded by worker_warm_up,
 * once, in the process that workers are forked from.
 *
 * Knows nothing of the event loop, of other workers or of the database.
 */
#pragma once

#include "parse/job.h"
#include "parse/toolbox.h"

/* How a worker ends when it says so itself; anything else is a crash. */
enum worker_exit {
    WORKER_EXIT_OK = 0,
    WORKER_EXIT_OUT_OF_MEMORY = 77,
    WORKER_EXIT_NO_START = 78, /* its hello says why */
};

struct worker_options {
    uint32_t index; /* for its name, from 0 */
    int channel_fd; /* mapped, then closed */
    int bodies_fd;  /* open for reading only; mapped, then closed; -1: no body region */
    int bell_fd;    /* the parent's eventfd: the only descriptor that stays */
    uint64_t bodies_bytes;
    uint64_t memory_bytes; /* what it may allocate */
    bool has_no_sandbox;
    bool may_misbehave;
};

/* What one process keeps from job to job. */
struct worker_kit {
    struct toolbox tools;
    struct span bodies; /* the read-only body region; empty without one */
    uint32_t index; /* the first one makes the dictionary */
    uint64_t jobs; /* begun so far */
    bool may_misbehave;
};

/* Loads what parsing needs from files, so that forked workers share it. */
void worker_warm_up(void);

/*
 * The whole life of a worker; title is the memory its command line lies in,
 * for its name in ps. Ends the process.
 */
NORETURN void worker_main(const struct worker_options *o, struct span title);

/*
 * Does one job; *out lies in the toolbox until its next reset. ERR_NO_MEMORY:
 * this process is at its limit. ERR_INVALID: a job that makes no sense.
 */
enum err worker_do(struct worker_kit *kit, const struct job *job,
                   struct answer *out) MUST_USE;

/* The bytes that the job is about, inline or in the region. ERR_INVALID outside of it. */
enum err worker_body(const struct worker_kit *kit, const struct job *job,
                     struct span *out) MUST_USE;
