/* SPDX-License-Identifier: MIT */
/*
 * Names to addresses: names a second and CPU of this process a name, over
 * fetch/dns against a name server on loopback that answers at once. One JSON
 * line a case; a fresh name is two questions (A and AAAA), a cached one none.
 */
#include <stdio.h>

#include "config/mem.h"
#include "fetch/dns.h"
#include "tests/bench/bench.h"
#include "tests/kit/nameserver.h"

#define N_NAMES       50000 /* all of them fit into the cache */
#define CACHED_ROUNDS 20

static const struct nameserver_record RECORDS[] = {
    { .name = "*.bench.test", .addresses = "127.0.0.1", .ttl_s = 3600 },
};

struct run {
    struct sched *sched;
    struct dns *dns;
    struct nameserver *ns;
    size_t next, n_lookups; /* handed out; in all */
    size_t n_wrong;
    bool wants_cached;
    const char *why; /* of the last wrong answer */
};

static intptr_t resolve_many(void *arg)
{
    struct run *run = arg;

    while (run->next < run->n_lookups) {
        struct dns_answer answer = { .n_addresses = 0 };
        char name[32];
        enum err e;

        (void)snprintf(name, sizeof name, "n%zu.bench.test", run->next++ % N_NAMES);
        e = dns_resolve(run->dns, span_str(name), DEADLINE_NEVER, &answer);
        if (e || answer.status != DNS_FOUND || answer.n_addresses != 1 ||
            answer.was_cached != run->wants_cached) {
            run->n_wrong++;
            run->why = e ? err_text(e) : answer.why;
        }
    }
    return 0;
}

static enum err run_case(struct run *run, const char *name, size_t n_in_flight)
{
    size_t asked = nameserver_n_queries(run->ns);
    struct group *g = group_new(run->sched, NULL);
    enum err e = OK;

    run->next = 0;
    group_set_detached(g);
    double wall = bench_seconds(CLOCK_MONOTONIC);
    double cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < n_in_flight && !e; i++)
        e = group_spawn(g, "bench", resolve_many, run, NULL);
    sched_run(run->sched);
    wall = bench_seconds(CLOCK_MONOTONIC) - wall;
    cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    group_free(g);
    printf("{\"bench\":\"dns\",\"case\":\"%s\",\"names\":%zu,\"in_flight\":%zu,"
           "\"questions\":%zu,\"wrong\":%zu,\"names_per_s\":%.0f,"
           "\"cpu_us_per_name\":%.3f}\n",
           name, run->n_lookups, n_in_flight, nameserver_n_queries(run->ns) - asked,
           run->n_wrong, (double)run->n_lookups / wall,
           cpu * 1e6 / (double)run->n_lookups);
    if (!e && run->n_wrong) {
        fprintf(stderr, "bench_dns: %s: %zu wrong answers, the last: %s\n", name,
                run->n_wrong, run->why ? run->why : "cached or not, it is the other");
        e = ERR_IO;
    }
    return e;
}

/* Fresh names with so many at once, then the same ones again and again. */
static enum err run_both(struct loop *loop, struct nameserver *ns, size_t n_in_flight)
{
    struct run run = { .ns = ns, .n_lookups = N_NAMES };
    struct err_note note = { "" };
    enum err e = sched_open(loop, &run.sched, &note);

    if (!e)
        e = dns_open(run.sched, span_str(nameserver_text(ns)), &run.dns, &note);
    if (e)
        fprintf(stderr, "bench_dns: %s\n", note.text);
    else
        e = run_case(&run, "fresh", n_in_flight);
    run.wants_cached = true;
    run.n_lookups = (size_t)N_NAMES * CACHED_ROUNDS;
    if (!e)
        e = run_case(&run, "cached", n_in_flight);
    if (run.dns)
        dns_close(run.dns);
    sched_close(run.sched);
    return e;
}

int main(void)
{
    static const size_t in_flight[] = { 1, 200 };
    struct nameserver *ns = nameserver_start(RECORDS, ARRAY_LEN(RECORDS));
    struct err_note note = { "" };
    struct loop *loop = NULL;
    enum err e;

    setvbuf(stdout, NULL, _IOLBF, 0);
    mem_start();
    e = loop_open(&loop, &note);
    for (size_t i = 0; i < ARRAY_LEN(in_flight) && !e; i++)
        e = run_both(loop, ns, in_flight[i]);
    loop_close(loop);
    nameserver_stop(ns);
    return e ? 1 : 0;
}
