/* SPDX-License-Identifier: MIT */
/*
 * Fetching alone: requests a second and CPU of this process a request, over
 * keep-alive against tests/kit/origin; over many hosts; many slow answers
 * in flight at once; and over TLS. One JSON line a case.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/mem.h"
#include "tests/kit/fetchrig.h"
#include "tests/kit/origin.h"

struct bench_case {
    const char *name;
    size_t body_bytes;
    int64_t delay_ms;
    size_t n_hosts;     /* addresses 127.0.0.1 ... */
    size_t n_in_flight; /* coroutines */
    size_t n_requests;
    size_t n_in_a_row; /* of one host, then on to another; 0: always the same host */
    bool is_tls, closes;
};

/* A case that takes longer ends early, and its figures are of what was done. */
#define MAX_CASE_NS (20 * NS_PER_S)

static const struct bench_case CASES[] = {
    { "2 KB", 2 << 10, 0, 1, 64, 60000, 0, false, false },
    { "20 KB", 20 << 10, 0, 1, 64, 60000, 0, false, false },
    { "100 KB", 100 << 10, 0, 1, 64, 30000, 0, false, false },
    { "20 KB, 64 hosts", 20 << 10, 0, 64, 64, 60000, 0, false, false },
    { "20 KB, 1,000 hosts", 20 << 10, 0, 1000, 1000, 60000, 0, false, false },
    { "20 KB, 20,000 hosts, 3 in a row", 20 << 10, 0, 20000, 1000, 60000, 3, false, false },
    { "8 KB after 200 ms, 1,000 in flight", 8 << 10, 200, 50, 1000, 20000, 0, false, false },
    { "8 KB after 200 ms, 5,000 in flight", 8 << 10, 200, 50, 5000, 60000, 0, false, false },
    { "8 KB after 1 s, 5,000 in flight", 8 << 10, 1000, 50, 5000, 20000, 0, false, false },
    { "20 KB, TLS", 20 << 10, 0, 1, 64, 30000, 0, true, false },
    { "20 KB, TLS, a connection each", 20 << 10, 0, 1, 64, 3000, 0, true, true },
};

struct run {
    struct fetchrig rig;
    const struct bench_case *which;
    uint16_t port;
    int64_t give_up_at_ns;
    size_t next;      /* requests handed out */
    size_t next_host; /* for a coroutine that is done with its own */
    uint64_t n_ok, n_failed;
};

struct fetcher_coro {
    struct run *run;
    size_t number;
};

static bool has_more(const struct run *run)
{
    return run->next < run->which->n_requests && clock_now_ns() < run->give_up_at_ns;
}

static void fetch_one(struct run *run, const struct fetch_request *request,
                      struct arena *mem)
{
    struct fetch_result result;

    run->next++;
    if (fetcher_fetch(run->rig.fetcher, request, mem, DEADLINE_NEVER, &result))
        abort();
    if (result.outcome == FETCH_OK && result.body.len == run->which->body_bytes)
        run->n_ok++;
    else
        run->n_failed++;
    bodies_free(run->rig.bodies, &result.body);
    arena_reset(mem);
}

/* What one coroutine asks of one host, one request after the other. */
static void fetch_row(struct run *run, size_t host, struct arena *mem)
{
    unsigned address = (unsigned)(host % run->which->n_hosts) + 1;
    size_t n = run->which->n_in_a_row ? run->which->n_in_a_row : SIZE_MAX;
    char url[64];

    (void)snprintf(url, sizeof(url), "http%s://127.0.%u.%u:%u/p", run->which->is_tls ? "s" : "", address >> 8,
                   address & 255, run->port);

    struct fetch_request request = fetchrig_request(url);

    for (size_t i = 0; i < n && has_more(run); i++)
        fetch_one(run, &request, mem);
}

static intptr_t fetch_many(void *arg)
{
    struct fetcher_coro *me = arg;
    struct run *run = me->run;
    size_t host = me->number;
    struct arena mem;

    arena_init(&mem, (size_t)1 << 20);
    while (has_more(run)) {
        fetch_row(run, host, &mem);
        host = run->next_host++;
    }
    arena_clear(&mem);
    return 0;
}

static double cpu_us(const struct timeval *user, const struct timeval *sys)
{
    return (double)(user->tv_sec + sys->tv_sec) * 1e6 +
           (double)(user->tv_usec + sys->tv_usec);
}

static void raise_open_files(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void spawn_all(struct run *run, struct fetcher_coro *coros)
{
    struct group *g = group_new(run->rig.sched, NULL);

    group_set_detached(g);
    for (size_t i = 0; i < run->which->n_in_flight; i++) {
        coros[i] = (struct fetcher_coro){ run, i };
        if (group_spawn(g, "bench", fetch_many, &coros[i], NULL))
            abort();
    }
    sched_run(run->rig.sched);
    group_free(g);
}

static void append(FILE *to, const char *path)
{
    FILE *from = path ? fopen(path, "r") : NULL;
    int byte;

    while (from && (byte = getc(from)) != EOF)
        putc(byte, to);
    if (from)
        fclose(from);
}

/* As a user has it: the system's authorities, and this one. Writes its path into ca_file. */
static struct span trust(const struct origin *origin, char ca_file[64])
{
    FILE *f;

    (void)snprintf(ca_file, 64, "/tmp/crawl-bench-XXXXXX");
    f = fdopen(mkstemp(ca_file), "w");
    if (!f)
        abort();
    append(f, curl_version_info(CURLVERSION_NOW)->cainfo);
    append(f, origin_ca_file(origin));
    if (fclose(f))
        abort();
    return span_str(ca_file);
}

static bool run_case(const struct bench_case *which)
{
    char *body = mem_alloc(which->body_bytes);
    const struct origin_route route = { .body = { body, which->body_bytes },
                                        .headers = "Content-Type: text/html\r\n",
                                        .delay_ms = which->delay_ms,
                                        .closes = which->closes };
    const struct origin_options oo = {
        .routes = &route, .n_routes = 1, .n_addresses = which->n_hosts, .max_log = 1, .is_tls = which->is_tls
    };
    struct fetcher_coro *coros = mem_array(which->n_in_flight, sizeof(*coros));
    struct origin *origin;
    struct run run = { .which = which, .next_host = which->n_in_flight };
    struct rusage before, after;
    struct fetcher_stats stats;
    char ca_file[64] = "";

    memset(body, 'x', which->body_bytes);
    origin = origin_start(&oo);
    run.port = origin_port(origin);
    fetchrig_init(&run.rig);
    run.rig.options.concurrency = which->n_in_flight;
    run.rig.options.total_timeout_ms = 60000;
    run.rig.options.first_byte_timeout_ms = 30000;
    run.rig.options.connect_timeout_ms = 10000;
    run.rig.options.low_speed_ms = 30000;
    run.rig.bodies_bytes = (size_t)512 << 20;
    if (which->is_tls)
        run.rig.options.ca_file = trust(origin, ca_file);
    fetchrig_open(&run.rig);
    (void)getrusage(RUSAGE_SELF, &before);

    int64_t started_at = clock_now_ns();

    run.give_up_at_ns = started_at + MAX_CASE_NS;
    spawn_all(&run, coros);

    double seconds = (double)(clock_now_ns() - started_at) / 1e9;

    (void)getrusage(RUSAGE_SELF, &after);
    fetcher_get_stats(run.rig.fetcher, &stats);
    printf("{\"bench\":\"fetch\",\"case\":\"%s\",\"hosts\":%zu,\"in_flight\":%zu,"
           "\"ok\":%lu,\"failed\":%lu,"
           "\"requests_per_s\":%.0f,\"cpu_us_per_request\":%.1f,\"connections\":%lu,"
           "\"peak_in_flight\":%zu,\"peak_rss_mb\":%.1f}\n",
           which->name, which->n_hosts, which->n_in_flight, run.n_ok, run.n_failed,
           (double)run.next / seconds,
           (cpu_us(&after.ru_utime, &after.ru_stime) -
            cpu_us(&before.ru_utime, &before.ru_stime)) /
               (double)run.next,
           stats.connections, stats.peak_in_flight, (double)after.ru_maxrss / 1024);
    (void)fetchrig_close(&run.rig);
    origin_stop(origin);
    if (ca_file[0])
        (void)unlink(ca_file);
    mem_free(coros);
    mem_free(body);
    if (run.n_failed)
        fprintf(stderr, "bench_fetch: %s: %lu of %zu requests failed\n", which->name,
                run.n_failed, run.next);
    return run.n_failed == 0;
}

int main(void)
{
    raise_open_files();
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        if (!run_case(&CASES[i]))
            return 1;
    return 0;
}
