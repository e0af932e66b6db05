/* SPDX-License-Identifier: MIT */
/*
 * A parser pool on a stage: opened and closed inside a coroutine, asked things,
 * looked at from outside. Scenarios record what they saw; tests assert after
 * them, on the main stack. The test binary is its own zygote: see stage_zygote.
 */
#pragma once

#include "crawler/pool.h"
#include "tests/kit/incoro.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define STAGE_IS_SANITIZED true
#else
#    define STAGE_IS_SANITIZED false
#endif

#define STAGE_PATIENCE_MS 60000

struct stage {
    struct pool_options options;
    struct bodies *bodies;
    struct pool *pool;
    struct err_note note;
    enum err opened;
};

/* What became of one job. */
struct said {
    enum err e;
    enum pool_failure failure;
    char detail[256];
    char bytes[256];
    size_t n_bytes;
};

/* Many jobs at once, counted as they end. */
struct many {
    struct stage st;
    size_t over, ok, wrong;
    bool is_on_loop;
};

/* First in main: true when this process was the zygote, and main returns *exit_code; else starts one. */
bool stage_zygote(int argc, char **argv, int *exit_code);

/* Defaults; change options before stage_open. */
void stage_init(struct stage *st, size_t workers);
/* Suspends not; st->opened says how it went. */
void stage_open(struct stage *st);
/* Drains and frees. Aborts when a body is left in the region. */
void stage_close(struct stage *st);

/* A job that carries out a command of parse/misbehave.c. */
struct job stage_command(const char *name);
/* What became of a job that is over; frees it. */
void stage_take(struct pool_job *j, struct said *out);
/* Suspends until the job is over. */
struct said stage_ask_job(struct stage *st, const struct job *job);
struct said stage_ask(struct stage *st, const char *name);
/* Submits n jobs with the body "payload". */
void stage_submit_many(struct many *m, const char *name, size_t n);

struct pool_stats stage_stats(const struct stage *st);
/* After stage_open: suspends until every worker is ready. */
void stage_await_workers(struct stage *st);

/* Reads /proc/PID/what; returns the length. */
size_t stage_read_proc(int pid, const char *what, char *out, size_t n);
/* Open descriptors of a process; 0 when they cannot be seen. */
size_t stage_count_fds(int pid);
