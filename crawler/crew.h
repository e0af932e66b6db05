/* SPDX-License-Identifier: MIT */
/*
 * The parser processes of a pool as a group: started together, replaced one by
 * one as they go, found by the zygote's news, ended and reaped together. Jobs
 * are the pool's business (crawler/pool.c), the only user of this file.
 *
 * A parser that is gone is replaced at once. When starts fail in a row, each
 * waits longer than the one before, up to five seconds; and after a few the
 * pool is told to fail what waits instead of keeping it (crew_cannot_start).
 *
 * crew_open and crew_end block for milliseconds; nothing here suspends.
 */
#pragma once

#include "crawler/parser.h"

struct crew_member;

struct crew {
    struct loop *loop;
    struct crew_member *members;
    size_t n_members;
    loop_watch_id zygote_watch;
    uint64_t next_serial;
    unsigned failed_starts; /* in a row */
    bool is_ending;         /* nobody is replaced any more */
};

/* Opens nothing yet. owner is for the events' use (parser->owner). */
void crew_init(struct crew *c, struct loop *l, size_t n, const struct worker_options *o,
               const struct parser_events *events, void *owner);

/*
 * Starts everybody and blocks until the first is ready; the others follow.
 * ERR_REFUSED (one could not set itself up: the note says why), ERR_TIMEOUT,
 * ERR_IO. crew_end must follow in any case.
 */
enum err crew_open(struct crew *c, struct err_note *note) MUST_USE;

/* Ends and reaps every process; asks first, then kills. Blocks. */
void crew_end(struct crew *c);

/* After crew_end. */
void crew_clear(struct crew *c);

/* Kills everybody; their ends are reported as usual. */
void crew_kill(struct crew *c);

struct parser *crew_parser(const struct crew *c, size_t i);

/* To be called from on_ready and on_gone: keeps count, and starts the next process. */
void crew_note_ready(struct crew *c);
void crew_note_gone(struct crew *c, struct parser *p, enum parser_cause cause);

/* Several starts in a row have failed. */
bool crew_cannot_start(const struct crew *c);
