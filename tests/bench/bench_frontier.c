/* SPDX-License-Identifier: MIT */
/*
 * The frontier as a crawl grows: N URLs (BENCH_URLS, a million) on N / 100 hosts
 * are found and queued, a thousand at a time: a hundred by each of ten pages,
 * nine of ten on the page's own host. For every ten found one is taken, visited
 * and finished, with the store behind it. One JSON line for each tenth: rates,
 * CPU, and the memory of the process. BENCH_DIR says where the file goes
 * (/dev/shm); a hundred million need 20 GB there.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/mem.h"
#include "config/settings.h"
#include "crawler/frontier.h"
#include "store/engine.h"
#include "tests/bench/bench.h"

#define STEP         1000
#define TAKES_A_STEP (STEP / 10)
#define HOST_SHARE   100 /* URLs a host */
#define PAGE_LINKS   100
#define MAX_TICKETS  200000
#define REFILL_LIMIT ((size_t)256)
#define OP_BYTES     ((size_t)4 * MIB)

struct bench {
    struct settings settings;
    struct loop *loop;
    struct frontier *f;
    struct store *store;
    pthread_mutex_t mutex;
    pthread_cond_t notified;
    bool has_news;
    size_t n_pending, n_urls, n_taken;
    char path[256];
};

NORETURN static void give_up(struct bench *b)
{
    struct err_note note = { "" };

    store_failure(b->store, &note);
    fprintf(stderr, "bench_frontier: %s\n", note.text);
    exit(1);
}

/* --- what comes back from the store ----------------------------------------------------- */

static void on_news(void *arg)
{
    struct bench *b = arg;

    pthread_mutex_lock(&b->mutex);
    b->has_news = true;
    pthread_cond_signal(&b->notified);
    pthread_mutex_unlock(&b->mutex);
}

static void submit(struct bench *b, struct store_op *op)
{
    store_submit(b->store, op);
    b->n_pending++;
}

static void learn_offers(struct bench *b, struct store_op *op)
{
    for (size_t i = 0; i < op->u.offers.n_offers; i++) {
        const struct store_offer *o = &op->u.offers.offers[i];
        struct store_origin origin = { o->host_id, false, o->host, o->port };
        struct host *h = frontier_host(b->f, &origin, false);
        struct store_item item = {
            .id = o->id, .host_id = o->host_id, .url = o->url, .depth = o->state_depth
        };

        frontier_add(b->f, h, &item);
    }
}

static void learn(struct bench *b, struct store_op *op)
{
    b->n_pending--;
    if (op->result)
        give_up(b);
    if (op->kind == STORE_OFFERS)
        learn_offers(b, op);
    else if (op->kind == STORE_VISIT)
        frontier_finish(b->f, op->arg);
    else if (op->kind == STORE_REFILL)
        frontier_refilled(b->f, op->arg, op->u.refill.items, op->u.refill.n_items,
                          op->u.refill.has_more);
    store_op_free(op);
}

/* Takes what is done; waits until at most left ops are under way. */
static void collect(struct bench *b, size_t left)
{
    struct list_node done, *n;

    for (;;) {
        list_init(&done);
        store_take_done(b->store, SIZE_MAX, &done);
        while ((n = list_take_first(&done)) != NULL)
            learn(b, CONTAINER_OF(n, struct store_op, node));
        if (b->n_pending <= left)
            return;
        pthread_mutex_lock(&b->mutex);
        while (!b->has_news)
            pthread_cond_wait(&b->notified, &b->mutex);
        b->has_news = false;
        pthread_mutex_unlock(&b->mutex);
    }
}

static void on_refill(void *arg, struct host *h, size_t room)
{
    struct bench *b = arg;
    struct store_op *op = store_op_new(STORE_REFILL, OP_BYTES);

    op->u.refill.host_id = h->id;
    op->u.refill.from_start = !h->has_cursor;
    op->u.refill.after_priority = h->cursor_priority;
    op->u.refill.after_depth = h->cursor_depth;
    op->u.refill.after_id = h->cursor_id;
    op->u.refill.limit = MIN(room, REFILL_LIMIT);
    op->arg = h;
    submit(b, op);
}

/* --- what goes in ------------------------------------------------------------------------ */

static void find_some(struct bench *b, size_t from)
{
    struct store_op *op = store_op_new(STORE_OFFERS, OP_BYTES);

    op->u.offers.n_offers = STEP;
    op->u.offers.offers = arena_array(&op->mem, STEP, sizeof *op->u.offers.offers);
    for (size_t i = 0; i < STEP; i++) {
        struct store_offer *o = &op->u.offers.offers[i];
        size_t n = from + i, n_hosts = b->n_urls / HOST_SHARE;
        /* Multipliers that are prime to the number of hosts spread pages and foreign links. */
        size_t host = (i % 10 ? n / PAGE_LINKS * 7919 : n * 104729) % n_hosts;

        *o = (struct store_offer){
            .hop = HOP_LINK, .depth = 1, .lastmod_ms = -1, .port = 80, .is_web = true
        };
        o->url =
            arena_format(&op->mem, "http://host%zu.example/section-%zu/page-%zu.html",
                         host, n % 97, n);
        o->key = o->url;
        o->host = span_slice(o->url, 7, span_find(span_skip(o->url, 7), '/') + 7);
    }
    submit(b, op);
}

static void visit_some(struct bench *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct store_op *op;
        struct ticket *t;
        struct host *h;
        deadline wait;

        enum frontier_next next = frontier_take(b->f, &h, &t, &wait);

        if (next == NEXT_NOTHING)
            return;
        if (next == NEXT_PREPARE) {
            h->robots_expire_at = DEADLINE_NEVER;
            frontier_prepared(b->f, h);
            continue;
        }
        politeness_leave(frontier_politeness(b->f), h->site, loop_now(b->loop), true);
        op = store_op_new(STORE_VISIT, (size_t)64 * KIB);
        op->u.visit = (struct store_visit){ .url_id = t->id,
                                            .host_id = h->id,
                                            .depth = 1,
                                            .state = STATE_FETCHED,
                                            .has_fetch = true,
                                            .attempt = 1,
                                            .fetched_at_ms = clock_wall_ms(),
                                            .outcome = "ok",
                                            .status_code = 200,
                                            .dns_ms = -1,
                                            .connect_ms = -1,
                                            .tls_ms = -1,
                                            .ttfb_ms = 3,
                                            .total_ms = 4 };
        op->arg = t;
        submit(b, op);
        b->n_taken++;
    }
}

static void open_all(struct bench *b)
{
    struct store_options options = { .path = b->path,
                                     .revisit_max_ms = 1000000,
                                     .max_depth = -1 };
    struct store_run_params params = { .now_wall_ms = clock_wall_ms() };
    struct frontier_options frontier = { ORDER_BFS, MAX_TICKETS, -1 };
    struct store_run run;
    struct err_note note;

    pthread_mutex_init(&b->mutex, NULL);
    pthread_cond_init(&b->notified, NULL);
    options_set_defaults(&settings_table, &b->settings);
    b->settings.delay_ms = 0;
    if (loop_open(&b->loop, NULL) || store_open(&options, &b->store, &note) ||
        store_begin_run(b->store, &params, &run, &note) ||
        store_start(b->store, on_news, b, &note)) {
        fprintf(stderr, "bench_frontier: %s\n", note.text);
        exit(1);
    }
    b->f = frontier_new(b->loop, &b->settings, &frontier, on_refill, b);
}

static void run_tenth(struct bench *b, size_t tenth)
{
    double wall = bench_seconds(CLOCK_MONOTONIC), cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID),
           mine = bench_seconds(CLOCK_THREAD_CPUTIME_ID);
    size_t n = b->n_urls / 10, taken = b->n_taken;
    struct frontier_stats stats;
    struct stat st = { 0 };

    for (size_t at = 0; at < n; at += STEP) {
        find_some(b, tenth * n + at);
        loop_turn(b->loop, 0);
        visit_some(b, TAKES_A_STEP);
        collect(b, 2 * TAKES_A_STEP);
    }
    collect(b, 0);
    wall = bench_seconds(CLOCK_MONOTONIC) - wall;
    cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    mine = bench_seconds(CLOCK_THREAD_CPUTIME_ID) - mine;
    frontier_get_stats(b->f, &stats);
    (void)stat(b->path, &st);
    printf(
        "{\"bench\":\"frontier\",\"urls\":%zu,\"hosts\":%zu,\"taken\":%zu,\"found_and_taken_per_s\":%.0f,"
        "\"loop_cpu_us_per_url\":%.2f,\"writer_cpu_us_per_url\":%.2f,\"in_memory\":%zu,\"resident_mib\":%.0f,"
        "\"db_mib\":%lld}\n",
        (tenth + 1) * n, stats.hosts, b->n_taken,
        (double)(n + b->n_taken - taken) / wall, mine * 1e6 / (double)n,
        (cpu - mine) * 1e6 / (double)n, stats.tickets, bench_resident_mib(),
        (long long)st.st_size / MIB);
    fflush(stdout);
}

int main(void)
{
    struct bench b = { .n_urls = 1000000 };
    const char *dir = getenv("BENCH_DIR"), *urls = getenv("BENCH_URLS");
    uint64_t n;

    mem_start();
    engine_start();
    if (urls && span_parse_u64(span_str(urls), &n) && n >= 10 * STEP)
        b.n_urls = (size_t)(n - n % (10 * STEP));
    snprintf(b.path, sizeof b.path, "%s/bench_frontier_%d.db", dir ? dir : "/dev/shm",
             (int)getpid());
    open_all(&b);
    for (size_t tenth = 0; tenth < 10; tenth++)
        run_tenth(&b, tenth);
    /* The file is thrown away: no need to end in order. */
    unlink(b.path);
    for (size_t i = 0; i < 2; i++) {
        char beside[300];

        snprintf(beside, sizeof beside, "%s%s", b.path, i ? "-shm" : "-wal");
        unlink(beside);
    }
    store_close(b.store, NULL);
    frontier_free(b.f);
    loop_close(b.loop);
    settings_clear(&b.settings);
    return 0;
}
