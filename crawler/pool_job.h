/* SPDX-License-Identifier: MIT */
/*
 * One job in the parser pool's hands: the request as it is sent, kept for a
 * second try, and the answer once it was copied and checked. Private to
 * crawler/pool.c; crawler/pool.h says what a user of the pool may do with one.
 *
 *   state      -> state     by
 *   queued        in work   handed to a parser
 *   in work       queued    its parser died; blamed or not
 *   any           over      answered, or failed; final
 */
#pragma once

#include "config/arena.h"
#include "crawler/pool.h"
#include "fetch/sync.h"
#include "parse/wire.h"

enum pool_job_state {
    JOB_QUEUED,
    JOB_IN_WORK,
    JOB_OVER,
};

struct pool_job {
    struct list_node node; /* in one of the pool's lists, or its parser's */
    struct pool *pool;
    uint64_t id;
    enum pool_job_state state;
    bool was_blamed;   /* a parser died of it once */
    bool has_overrun;  /* it used up its processor time: no second try */
    bool is_abandoned; /* nobody waits: freed when over */
    char *request;
    size_t request_len;
    struct wire_limits limits;
    struct body_ref body; /* ours; given back when over */
    pool_done_fn *on_done;
    void *arg;
    struct event over;
    enum pool_failure failure;
    char detail[256];
    struct arena mem; /* the copied answer and its arrays */
    struct answer answer;
};

struct pool_job *pool_job_new(struct pool *p, uint64_t id, pool_done_fn *on_done,
                              void *arg);

/* Frees it, whatever its state; it must be in no list. */
void pool_job_destroy(struct pool_job *j);

/* What it asks, as views of the request, and the bytes it is about, in the request or in the region. */
void pool_job_read_request(const struct pool_job *j, const struct bodies *b,
                           struct job *out, struct span *out_body);

/*
 * Copies the answer out of shared memory, then checks the copy. ERR_CORRUPT,
 * ERR_VERSION, ERR_TOO_LARGE: the parser lies. Without memory for it the job
 * itself has failed, and OK is returned.
 */
enum err pool_job_read_answer(struct pool_job *j, struct span shared) MUST_USE;
