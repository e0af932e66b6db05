/* SPDX-License-Identifier: MIT */
/*
 * The parser pool, parent half: processes created once, reused, replaced when
 * they die. Jobs are submitted asynchronously; the callback fires on the loop
 * when the result is there. Workers are forked by a zygote, one re-execution
 * of this program at start, before any thread or database exists.
 *
 *   worker state   -> state      by
 *   starting          idle       its hello (version, sandbox report) arrived
 *   idle              busy       a job was handed to it
 *   busy              idle       the last job in its ring was answered
 *   any               dead       pidfd: exit, signal; or killed by us: deadline, lie, recycling, terminate
 *   dead              starting   replaced, unless the pool closes
 *
 * A job whose worker died, hung or lied is tried once more, alone, in a fresh
 * worker; then it fails with the reason, and the crawl goes on. One that used up
 * its processor time fails at once: that was its own doing, whatever else ran.
 * Jobs that only waited behind it are handed out again without blame. What comes
 * back is copied once, then checked field by field (parse/wire.h).
 */
#pragma once

#include "config/err.h"
#include "fetch/bodies.h"
#include "fetch/sched.h"
#include "parse/job.h"

struct pool;
struct pool_job;

enum pool_failure {
    POOL_OK,
    POOL_CRASHED,       /* died by a signal or exit, twice */
    POOL_TIMED_OUT,     /* over job_cpu_ms, or over job_timeout_ms twice */
    POOL_OUT_OF_MEMORY, /* over its memory limit */
    POOL_LIED, /* the answer did not hold up; outcome "crashed", event "worker-lied" */
    POOL_REFUSED, /* the pool was closed or terminated, or the job is too large */
};

/* A job that workers died of: what was asked, about which bytes, and how it ended. */
struct pool_victim {
    const struct job *job;
    struct span body; /* as it came over the wire */
    enum pool_failure failure;
    const char *why;
};

/* Called on the loop; the victim is valid during the call. Must not suspend. */
typedef void pool_victim_fn(void *arg, const struct pool_victim *victim);

struct pool_options {
    size_t workers;         /* >= 1 */
    size_t window;          /* jobs handed to one worker ahead; 32 */
    int64_t job_timeout_ms; /* wall time of one job once it is the worker's turn; 5 s */
    int64_t job_cpu_ms;     /* processor time of one job; 2 s; 0: no limit */
    size_t worker_memory_bytes; /* RLIMIT_AS of a worker; 512 MiB */
    int64_t recycle_after_jobs; /* 20,000 */
    bool has_no_sandbox;        /* --no-sandbox */
    bool may_misbehave;         /* JOB_MISBEHAVE is carried out: tests */
    pool_victim_fn *on_victim;  /* may be NULL */
    void *victim_arg;
};

/* Called on the loop when the job is over. Must not suspend; may free the job. */
typedef void pool_done_fn(void *arg, struct pool_job *job);

/*
 * The zygote: called first thing in main, in the parent, before threads. It
 * re-executes the program; that child's main must call pool_zygote_main when
 * it sees that it is one.
 */
enum err pool_start_zygote(struct err_note *note) MUST_USE;
/* True when argv says that this process is the zygote; then *exit_code is what main returns. */
bool pool_zygote_main(int argc, char **argv, int *exit_code);

enum err pool_open(struct sched *s, const struct pool_options *o, struct bodies *bodies,
                   struct pool **out, struct err_note *note) MUST_USE;

/* No new jobs from now on. */
void pool_close(struct pool *p);
/* Suspends until every job given is over. */
enum err pool_drain(struct pool *p, deadline until) MUST_USE;
/* Kills the workers; jobs not over fail with POOL_REFUSED. */
void pool_terminate(struct pool *p);
/* After close and drain, or terminate. Reaps everything: no zombies. */
void pool_free(struct pool *p);

/*
 * Queues a job (copied, but for the body region, which must stay until the job
 * is over) and returns at once. ERR_CLOSED. on_done may be NULL.
 */
enum err pool_submit(struct pool *p, const struct job *job, pool_done_fn *on_done,
                     void *arg, struct pool_job **out) MUST_USE;

bool pool_job_is_ready(const struct pool_job *j);
/* Suspends until it is over. */
enum err pool_job_wait(struct pool_job *j, deadline until) MUST_USE;
/* When ready: why it failed, or POOL_OK, and a sentence about it. */
enum pool_failure pool_job_failure(const struct pool_job *j, struct span *out_detail);
/* When ready and POOL_OK: the answer. Owned by the job. */
const struct answer *pool_job_answer(const struct pool_job *j);
/* Frees the job and its answer. A job that is not over is abandoned: its result is dropped. */
void pool_job_free(struct pool_job *j);

/*
 * The suspending form: submits, waits, gives the job (ready) to the caller,
 * who frees it. On ERR_TIMEOUT or ERR_CANCELLED the job is abandoned, but the
 * body region stays in use until the worker is through or killed: the body is
 * freed by the pool then (it takes *body over in that case and empties it).
 */
enum err pool_run(struct pool *p, const struct job *job, struct body_ref *body,
                  deadline until, struct pool_job **out) MUST_USE;

struct pool_stats {
    size_t workers, queued, in_work;
    uint64_t jobs, retried, failed;
    uint64_t started, died, killed, recycled; /* workers */
    int last_exit_code, last_signal;
    struct span sandbox; /* what is active, such as "seccomp rlimits landlock-7" */
};

void pool_get_stats(const struct pool *p, struct pool_stats *out);
/* Process id of the ith worker, or 0; for tests and status. */
int pool_worker_pid(const struct pool *p, size_t i);
