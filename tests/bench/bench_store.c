/* SPDX-License-Identifier: MIT */
/*
 * The writer's cost: pages a second and microseconds of CPU a page with 100
 * links of which 3 lead to new URLs, plain and with bodies and full text;
 * bytes of database a page; and what finding and queueing a new URL costs as
 * the table grows. One JSON line each. BENCH_DIR says where the file goes
 * (default /dev/shm), BENCH_PAGES how many pages.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/mem.h"
#include "store/engine.h"
#include "store/store.h"
#include "tests/bench/bench.h"

#define N_LINKS   100
#define N_NEW     3
#define IN_FLIGHT 200
#define TEXT_SIZE ((size_t)1000000)

struct bench {
    const char *name;
    bool has_text, has_body, has_known_ids, is_frontier;
    size_t n_pages;
    struct store *store;
    pthread_mutex_t mutex;
    pthread_cond_t notified;
    bool has_news;
    int64_t *ids; /* of URL number i, as answered */
    size_t n_pending;
    char *text;
    char *body;
    uint64_t seed;
    char path[256];
};

static uint64_t next_random(struct bench *b)
{
    b->seed ^= b->seed << 13;
    b->seed ^= b->seed >> 7;
    b->seed ^= b->seed << 17;
    return b->seed;
}

static void on_news(void *arg)
{
    struct bench *b = arg;

    pthread_mutex_lock(&b->mutex);
    b->has_news = true;
    pthread_cond_signal(&b->notified);
    pthread_mutex_unlock(&b->mutex);
}

/* Takes what is done; waits until at most left ops are under way. */
static void collect(struct bench *b, size_t left)
{
    struct list_node done, *n;

    list_init(&done);
    store_take_done(b->store, SIZE_MAX, &done);
    for (;;) {
        while ((n = list_take_first(&done)) != NULL) {
            struct store_op *op = CONTAINER_OF(n, struct store_op, node);
            struct err_note note;

            if (op->result) {
                store_failure(b->store, &note);
                fprintf(stderr, "bench_store: %s\n", note.text);
                exit(1);
            }
            for (size_t i = 0; op->kind == STORE_VISIT && i < op->u.visit.n_links; i++)
                if (op->u.visit.links[i].offer)
                    b->ids[op->u.visit.links[i].offer->seed_line] = op->u.visit.links[i].id;
            store_op_free(op);
            b->n_pending--;
        }
        if (b->n_pending <= left)
            return;
        pthread_mutex_lock(&b->mutex);
        while (!b->has_news)
            pthread_cond_wait(&b->notified, &b->mutex);
        b->has_news = false;
        pthread_mutex_unlock(&b->mutex);
        store_take_done(b->store, SIZE_MAX, &done);
    }
}

static void submit(struct bench *b, struct store_op *op)
{
    store_submit(b->store, op);
    b->n_pending++;
    if (b->n_pending >= IN_FLIGHT)
        collect(b, IN_FLIGHT / 2);
}

static void make_offer(struct bench *b, struct store_op *op, size_t number, struct store_offer *o)
{
    *o = (struct store_offer){ .hop = HOP_LINK, .depth = 1, .lastmod_ms = -1 };
    o->seed_line = (int)number; /* only a place to remember the number */
    if (b->has_known_ids && b->ids[number]) {
        o->known_id = b->ids[number];
        return;
    }
    o->url = arena_format(&op->mem, "http://host%zu.example/section-%zu/page-%zu.html",
                          number % 9, number % 97, number);
    o->key = o->url;
    o->host = span_slice(o->url, 7, span_find(span_skip(o->url, 7), '/') + 7);
    o->port = 80;
    o->is_web = true;
}

static void make_link(struct bench *b, struct store_op *op, size_t number, struct store_link *link)
{
    static const char anchor[] = "Some words that stand in a link of a page";
    struct fact_link *found = arena_alloc(&op->mem, sizeof *found);

    *found = (struct fact_link){ .kind = LINK_A, .text = span_make(anchor + number % 16, 8 + number % 14) };
    *link = (struct store_link){ .found = found, .hop = HOP_LINK };
    if (b->has_known_ids && b->ids[number]) {
        link->id = b->ids[number];
        return;
    }
    link->offer = arena_alloc(&op->mem, sizeof *link->offer);
    make_offer(b, op, number, link->offer);
}

/*
 * Page i finds three URLs that nobody saw before; the others are navigation and
 * neighbours.
 */
static size_t link_target(struct bench *b, size_t page, size_t i)
{
    size_t known = page * N_NEW + 1;

    if (i < N_NEW)
        return page * N_NEW + 1 + i;
    if (i < 40)
        return i % known;
    return next_random(b) % MIN(known, (size_t)2000) +
           (known > 2000 ? known - 2000 : 0);
}

static struct store_op *make_visit(struct bench *b, size_t page)
{
    static const char headers[] =
        "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sat, 21 Nov 2026 09:00:00 GMT\r\n"
        "Content-Type: text/html\r\nContent-Length: 31800\r\nLast-Modified: Sat, 01 "
        "Nov 2025 09:00:00 GMT\r\nETag: \"650-7c38\"\r\nAccept-Ranges: bytes\r\n";
    static const char request[] =
        "GET / HTTP/1.1\r\nHost: host1.example\r\nUser-Agent: crawl/0.1.0\r\n"
        "Accept: text/html\r\nAccept-Encoding: gzip, br, zstd\r\n";
    struct store_op *op = store_op_new(STORE_VISIT, (size_t)4 * MIB);
    struct page_facts *f = arena_alloc(&op->mem, sizeof *f);
    struct store_visit *v = &op->u.visit;

    *f = (struct page_facts){
        .outcome = PARSE_OK, .size = 31800, .word_count = 1200
    };
    f->simhash = next_random(b);
    for (size_t i = 0; i < 4; i++) {
        uint64_t part = next_random(b);

        memcpy(f->sha256 + i * 8, &part, 8);
    }
    f->charset = SPAN("utf-8");
    f->charset_source = SPAN("meta");
    f->title = arena_format(&op->mem, "The title of page number %zu", page);
    f->h1 = SPAN("A heading of ordinary length");
    f->description =
        SPAN("A description such as people write for search engines, a sentence or two"
             " long.");
    if (b->has_text)
        f->text = span_make(b->text + next_random(b) % (TEXT_SIZE - 7000), 6000);
    if (b->has_body)
        f->body = span_make(b->body + next_random(b) % 1000, 6500);
    *v = (struct store_visit){
        .url_id = b->ids[page],
        .host_id = (int64_t)(page % 9) + 1,
        .state = STATE_FETCHED,
        .counts_as_page = true,
        .has_fetch = true,
        .attempt = 1,
        .fetched_at_ms = clock_wall_ms(),
        .outcome = "ok",
        .status_code = 200,
        .content_type = SPAN("text/html"),
        .http_version = SPAN("1.1"),
        .ip = SPAN("127.0.0.1"),
        .size = 31800,
        .wire_size = 9000,
        .dns_ms = -1,
        .connect_ms = -1,
        .tls_ms = -1,
        .ttfb_ms = 3,
        .total_ms = 4,
        .etag = SPAN("\"650-7c38\""),
        .last_modified = SPAN("Sat, 01 Nov 2025 09:00:00 GMT"),
        .request_headers = span_make(request, sizeof request - 1),
        .headers = span_make(headers, sizeof headers - 1),
        .body_is_final = true,
        .facts = f,
        .n_links = N_LINKS,
        .n_bytes = 9300,
    };
    v->links = arena_try_array(&op->mem, N_LINKS, sizeof *v->links);
    for (size_t i = 0; i < N_LINKS; i++) {
        make_link(b, op, link_target(b, page, i), &v->links[i]);
        v->links[i].position = (uint32_t)i;
    }
    return op;
}

/* Words of a vocabulary of 8,000, the n-th about as often as 1/n, as in prose. */
static void fill_text(struct bench *b)
{
    size_t at = 0;

    while (at < TEXT_SIZE - 16) {
        double u = (double)(next_random(b) % 1000000) / 1000000.0;
        unsigned word = 1, rest;

        for (double left = u * 9.0; left > 0.0 && word < 8000; word++)
            left -= 1.0 / word;
        for (rest = word * 2654435761u; word; word /= 7, rest /= 23)
            b->text[at++] = (char)('a' + rest % 23);
        b->text[at++] = ' ';
    }
}

static void seed(struct bench *b)
{
    struct store_op *op = store_op_new(STORE_OFFERS, MIB);
    struct store_offer o;

    make_offer(b, op, 0, &o);
    o.hop = HOP_SEED;
    o.depth = 0;
    op->u.offers.offers = &o;
    op->u.offers.n_offers = 1;
    submit(b, op);
    collect(b, 0);
    b->ids[0] = o.id;
}

static void end_run(struct bench *b)
{
    struct store_op *op = store_op_new(STORE_END_RUN, MIB);

    op->u.end_run.is_finished = true;
    submit(b, op);
    collect(b, 0);
}

static void open_store(struct bench *b)
{
    struct store_options options = { .path = b->path,
                                     .keeps_text = b->has_text,
                                     .revisit_max_ms = 1000000,
                                     .max_depth = -1 };
    struct store_run_params params = { .now_wall_ms = clock_wall_ms() };
    struct store_run run;
    struct err_note note;

    pthread_mutex_init(&b->mutex, NULL);
    pthread_cond_init(&b->notified, NULL);
    if (store_open(&options, &b->store, &note) ||
        store_begin_run(b->store, &params, &run, &note) ||
        store_start(b->store, on_news, b, &note)) {
        fprintf(stderr, "bench_store: %s\n", note.text);
        exit(1);
    }
}

static void report(const struct bench *b, double wall, double cpu)
{
    struct stat st;

    stat(b->path, &st);
    printf(
        "{\"bench\":\"store\",\"case\":\"%s\",\"pages\":%zu,\"links_a_page\":%d,"
        "\"new_urls_a_page\":%d,"
        "\"pages_per_s\":%.0f,\"writer_cpu_us_per_page\":%.1f,\"db_bytes_per_page\":%.0f}\n",
        b->name, b->n_pages, N_LINKS, N_NEW, (double)b->n_pages / wall,
        cpu * 1e6 / (double)b->n_pages, (double)st.st_size / (double)b->n_pages);
    fflush(stdout);
}

#define FRONTIER_URLS 1000000
#define FRONTIER_STEP 1000

/* A million URLs that nobody saw before, found and queued: the cost of each as the table grows. */
static void run_frontier(struct bench *b)
{
    double cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - bench_seconds(CLOCK_THREAD_CPUTIME_ID);

    for (size_t at = 0; at < FRONTIER_URLS; at += FRONTIER_STEP) {
        struct store_op *op = store_op_new(STORE_OFFERS, (size_t)4 * MIB);

        op->u.offers.n_offers = FRONTIER_STEP;
        op->u.offers.offers =
            arena_try_array(&op->mem, FRONTIER_STEP, sizeof *op->u.offers.offers);
        for (size_t i = 0; i < FRONTIER_STEP; i++)
            make_offer(b, op, at + i, &op->u.offers.offers[i]);
        submit(b, op);
        collect(b, 2);
        if ((at + FRONTIER_STEP) % 250000 == 0) {
            double now;

            collect(b, 0);
            now = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - bench_seconds(CLOCK_THREAD_CPUTIME_ID);
            printf(
                "{\"bench\":\"store\",\"case\":\"%s\",\"urls\":%zu,\"writer_cpu_us_per_url\":%.2f}\n",
                b->name, at + FRONTIER_STEP, (now - cpu) * 1e6 / 250000.0);
            cpu = now;
        }
    }
    store_close(b->store, NULL);
    unlink(b->path);
}

/*
 * In a process of its own, so that the CPU of the writer is that of the process less
 * this thread.
 */
static void run(struct bench *b)
{
    const char *dir = getenv("BENCH_DIR");
    double wall, cpu;

    snprintf(b->path, sizeof b->path, "%s/bench-store-%d.db", dir ? dir : "/dev/shm",
             (int)getpid());
    b->ids = mem_array(b->n_pages * N_NEW + N_NEW + 1, sizeof *b->ids);
    b->text = mem_alloc(TEXT_SIZE);
    b->body = mem_alloc(8000);
    b->seed = 88172645463325252u;
    for (size_t i = 0; i < 8000; i++)
        b->body[i] = (char)next_random(b);
    fill_text(b);
    open_store(b);
    seed(b);
    if (b->is_frontier) {
        run_frontier(b);
        return;
    }
    wall = bench_seconds(CLOCK_MONOTONIC);
    cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - bench_seconds(CLOCK_THREAD_CPUTIME_ID);
    for (size_t page = 0; page < b->n_pages; page++) {
        while (!b->ids[page])
            collect(b, b->n_pending - 1);
        submit(b, make_visit(b, page));
    }
    end_run(b);
    store_close(b->store, NULL);
    wall = bench_seconds(CLOCK_MONOTONIC) - wall;
    cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - bench_seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
    report(b, wall, cpu);
    if (!getenv("BENCH_KEEP"))
        unlink(b->path);
}

int main(void)
{
    const char *pages = getenv("BENCH_PAGES"), *only = getenv("BENCH_CASE");
    struct bench cases[] = {
        { .name = "new URLs", .is_frontier = true },
        { .name = "links, ids known", .has_known_ids = true },
        { .name = "links, looked up" },
        { .name = "links, bodies", .has_body = true, .has_known_ids = true },
        { .name = "links, bodies, text",
          .has_body = true,
          .has_text = true,
          .has_known_ids = true },
    };

    engine_start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int status;
        pid_t child;

        cases[i].n_pages = pages ? strtoul(pages, NULL, 10) : 10000;
        if (only && strcmp(only, cases[i].name) != 0)
            continue;
        child = fork();
        if (child == 0) {
            run(&cases[i]);
            exit(0);
        }
        if (waitpid(child, &status, 0) != child || status != 0)
            return 1;
    }
    return 0;
}
