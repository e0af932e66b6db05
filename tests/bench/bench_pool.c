/* SPDX-License-Identifier: MIT */
/*
 * What handing a page to a parser and taking the answer back costs: the page is
 * copied into the body region, the parser reads every byte and answers in a
 * few; nothing is parsed. One JSON line for each number of jobs in flight.
 */
#include <inttypes.h>
#include <sys/resource.h>

#include "config/clock.h"
#include "config/mem.h"
#include "crawler/pool.h"

#define PAGE_BYTES ((size_t)20 * 1024)
#define JOBS       40000

struct run {
    struct pool *pool;
    struct bodies *bodies;
    struct group *group;
    char *page;
    size_t jobs_left, failed;
};

static intptr_t visit(void *arg)
{
    struct run *r = arg;

    while (r->jobs_left) {
        struct job job = { .kind = JOB_MISBEHAVE,
                           .url = SPAN("http://example.org/a/page"),
                           .command = SPAN("touch"),
                           .headers =
                               SPAN("Content-Type: text/html\r\nServer: bench\r\n") };
        struct body_ref body = { 0 };
        struct pool_job *j;

        r->jobs_left--;
        if (bodies_append(r->bodies, &body, span_make(r->page, PAGE_BYTES), PAGE_BYTES))
            r->failed++;
        if (pool_run(r->pool, &job, &body, DEADLINE_NEVER, &j)) {
            r->failed++;
            continue;
        }
        if (pool_job_failure(j, NULL) != POOL_OK)
            r->failed++;
        pool_job_free(j);
        bodies_free(r->bodies, &body);
    }
    return 0;
}

static int64_t cpu_us(int who)
{
    struct rusage u;

    getrusage(who, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec +
           u.ru_stime.tv_usec;
}

static enum err run_once(struct sched *s, struct run *r, size_t in_flight,
                         size_t workers)
{
    int64_t start, cpu = cpu_us(RUSAGE_SELF);
    enum err e = OK;

    r->jobs_left = JOBS;
    r->group = group_new(s, NULL);
    start = clock_now_ns();
    for (size_t i = 0; !e && i < in_flight; i++)
        e = group_spawn(r->group, "visit", visit, r, NULL);
    sched_run(s);
    start = clock_now_ns() - start;
    printf(
        "{\"bench\":\"pool\",\"workers\":%zu,\"in_flight\":%zu,\"page_bytes\":%zu,"
        "\"jobs\":%d,\"failed\":%zu,\"round_trips_per_s\":%.0f,\"wall_us_per_page\":%.2f,"
        "\"parent_cpu_us_per_page\":%.2f}\n",
        workers, in_flight, PAGE_BYTES, JOBS, r->failed, JOBS / ((double)start / 1e9),
        (double)start / 1e3 / JOBS, (double)(cpu_us(RUSAGE_SELF) - cpu) / JOBS);
    group_free(r->group);
    return e;
}

int main(int argc, char **argv)
{
    static const size_t in_flight[] = { 1, 2, 8, 32, 128 };
    struct pool_options o = { .workers = 1,
                              .window = 8,
                              .job_timeout_ms = 5000,
                              .worker_memory_bytes = 512 << 20,
                              .recycle_after_jobs = 1000000,
                              .may_misbehave = true };
    struct run r = { 0 };
    struct err_note note = { 0 };
    struct loop *l;
    struct sched *s;
    int exit_code;
    enum err e;

    if (pool_zygote_main(argc, argv, &exit_code))
        return exit_code;
    r.page = mem_alloc(PAGE_BYTES);
    e = pool_start_zygote(&note);
    if (!e)
        e = loop_open(&l, &note);
    if (!e)
        e = sched_open(l, &s, &note);
    if (!e)
        e = bodies_open(64 << 20, &r.bodies, &note);
    for (o.workers = 1; !e && o.workers <= 2; o.workers++) {
        e = pool_open(s, &o, r.bodies, &r.pool, &note);
        for (size_t i = 0; !e && i < ARRAY_LEN(in_flight); i++)
            e = run_once(s, &r, in_flight[i], o.workers);
        if (!e)
            pool_free(r.pool);
    }
    if (e) {
        fprintf(stderr, "bench_pool: %s: %s\n", err_text(e), note.text);
        return 1;
    }
    bodies_close(r.bodies);
    sched_close(s);
    loop_close(l);
    mem_free(r.page);
    return 0;
}
