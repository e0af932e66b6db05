/* SPDX-License-Identifier: MIT */
/*
 * How a large database answers. Writes one with the store's own code (a million
 * pages and twenty million links when asked so: bench_scale PAGES LINKS_A_PAGE),
 * shaped like a crawl: hosts and link targets skewed, each page found by another,
 * equal and nearly equal texts, redirects, errors, links that lead out, images;
 * no bodies. Then runs the program on it and prints one JSON line each for: the
 * link metrics at the end of a run, a start that finds nothing to do, every named
 * report, the widest view, full text, status, verify, a start that asks everything
 * again. Seconds of CPU (user and system), peak memory in MiB.
 *
 * BENCH_DIR: where the file goes (/dev/shm). BENCH_CRAWL: the program
 * (build/crawl). BENCH_KEEP: leave the file; a file that is there is used as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/mem.h"
#include "config/settings.h"
#include "store/store.h"
#include "tests/bench/bench.h"

#define IN_FLIGHT     200
#define N_NEW         3 /* URLs that a page is the first to name */
#define N_WORDS       50000
#define WORDS_A_PAGE  40
#define MAX_ARGS      16
#define SHARED_TEXTS  2000 /* titles and descriptions that several pages have */
#define LINKS_DEFAULT 20
#define PAGES_DEFAULT 20000

struct bench {
    size_t n_pages, n_links, n_hosts;
    struct store *store;
    pthread_mutex_t mutex;
    pthread_cond_t notified;
    bool has_news;
    int64_t *ids;      /* of page number i, as answered */
    int64_t *host_ids; /* likewise */
    size_t n_pending;
    uint64_t seed;
    char path[256];
};

/* What becomes of a page; only pages that name no new ones are anything but plain. */
enum fate {
    FATE_PAGE,
    FATE_REDIRECT,
    FATE_GONE,
    FATE_BROKEN,
    FATE_TIMEOUT,
    FATE_BARRED
};

static uint64_t next_random(struct bench *b)
{
    b->seed ^= b->seed << 13;
    b->seed ^= b->seed >> 7;
    b->seed ^= b->seed << 17;
    return b->seed;
}

/* The same number for the same question. */
static uint64_t mix(uint64_t x, uint64_t salt)
{
    x += salt * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Below n; small numbers are far more frequent. */
static size_t skewed(struct bench *b, size_t n)
{
    double u = (double)(next_random(b) >> 11) / 9007199254740992.0;

    return (size_t)(u * u * u * (double)n);
}

static void die(const char *what)
{
    fprintf(stderr, "bench_scale: %s\n", what);
    exit(1);
}

/* --- the store ----------------------------------------------------------------------- */

static void on_news(void *arg)
{
    struct bench *b = arg;

    pthread_mutex_lock(&b->mutex);
    b->has_news = true;
    pthread_cond_signal(&b->notified);
    pthread_mutex_unlock(&b->mutex);
}

static void finish_op(struct bench *b, struct store_op *op)
{
    struct err_note note;

    if (op->result) {
        store_failure(b->store, &note);
        die(note.text);
    }
    for (size_t i = 0; op->kind == STORE_VISIT && i < op->u.visit.n_links; i++) {
        const struct store_offer *o = op->u.visit.links[i].offer;

        if (!o || !o->seed_line)
            continue;
        b->ids[o->seed_line] = o->id;
        b->host_ids[o->seed_line] = o->host_id;
    }
    store_op_free(op);
    b->n_pending--;
}

/* Takes what is done; waits until at most left ops are under way. */
static void collect(struct bench *b, size_t left)
{
    struct list_node done, *n;

    list_init(&done);
    for (;;) {
        store_take_done(b->store, SIZE_MAX, &done);
        while ((n = list_take_first(&done)) != NULL)
            finish_op(b, CONTAINER_OF(n, struct store_op, node));
        if (b->n_pending <= left)
            return;
        pthread_mutex_lock(&b->mutex);
        while (!b->has_news)
            pthread_cond_wait(&b->notified, &b->mutex);
        b->has_news = false;
        pthread_mutex_unlock(&b->mutex);
    }
}

static void submit(struct bench *b, struct store_op *op)
{
    store_submit(b->store, op);
    b->n_pending++;
    if (b->n_pending >= IN_FLIGHT)
        collect(b, IN_FLIGHT / 2);
}

/* --- the pages ----------------------------------------------------------------------- */

static enum fate fate_of(const struct bench *b, size_t number)
{
    static const struct {
        unsigned up_to; /* of a thousand */
        enum fate fate;
    } shares[] = { { 40, FATE_REDIRECT },
                   { 75, FATE_GONE },
                   { 80, FATE_BROKEN },
                   { 90, FATE_TIMEOUT },
                   { 105, FATE_BARRED } };

    unsigned n = (unsigned)(mix(number, 1) % 1000);

    if (number * N_NEW + 1 < b->n_pages)
        return FATE_PAGE;
    for (size_t i = 0; i < ARRAY_LEN(shares); i++)
        if (n < shares[i].up_to)
            return shares[i].fate;
    return FATE_PAGE;
}

static void set_url(struct store_op *op, struct store_offer *o, const char *host,
                    size_t n, const char *path, size_t number)
{
    o->url = arena_format(&op->mem, "http://%s%zu%s/section-%zu/%zu.html",
                          host, n, path, number % 89, number);
    o->key = o->url;
    o->host = span_slice(o->url, 7, span_find(span_skip(o->url, 7), '/') + 7);
    o->port = 80;
    o->is_web = true;
}

/* The link to page number. */
static void offer_page(struct bench *b, struct store_op *op, size_t number,
                       struct store_offer *o)
{
    double u = (double)(mix(number, 2) >> 11) / 9007199254740992.0;

    if (number && b->ids[number]) {
        o->known_id = b->ids[number];
        return;
    }
    set_url(op, o, "www", (size_t)(u * u * (double)b->n_hosts), ".site.example/a-path-of-words",
            number);
    o->seed_line = (int)number; /* only a place to remember the number */
}

static void offer_elsewhere(struct bench *b, struct store_op *op, struct store_offer *o)
{
    size_t n = (size_t)next_random(b);

    set_url(op, o, "elsewhere", n % (b->n_pages / 10 + 1), ".example/out", n / 7 % b->n_pages);
    o->reason = REASON_SCOPE;
    o->rule = SPAN("--scope domain"); /* as crawler/scope.c writes it */
}

static void offer_image(struct bench *b, struct store_op *op, struct store_link *link, struct fact_link *found)
{
    size_t n = skewed(b, b->n_pages / 4 + 1);
    struct store_offer *o = link->offer;

    set_url(op, o, "www", n % b->n_hosts, ".site.example/images", n);
    found->kind = LINK_IMG;
    link->hop = HOP_EMBED;
    o->hop = HOP_EMBED;
    o->reason = REASON_KIND;
    o->rule = SPAN(STORE_RULE_KIND);
}

static void offer_link(struct bench *b, struct store_op *op, size_t page, size_t i, struct store_link *link)
{
    static const char anchor[] = "Some words that stand in a link of a page";
    size_t newest = page > IN_FLIGHT ? (page - IN_FLIGHT) * N_NEW : 1;
    size_t known = MIN(newest, b->n_pages), child = page * N_NEW + 1 + i, to = 0;
    struct fact_link *found = arena_alloc(&op->mem, sizeof *found);
    struct store_offer *o = arena_alloc(&op->mem, sizeof *o);

    *found = (struct fact_link){ .kind = LINK_A, .text = span_make(anchor + page % 16, 8 + i % 14) };
    *o = (struct store_offer){ .hop = HOP_LINK, .depth = op->u.visit.depth + 1, .lastmod_ms = -1 };
    *link = (struct store_link){ .found = found, .offer = o, .position = (uint32_t)i, .hop = HOP_LINK };
    if (i < N_NEW && child < b->n_pages) {
        offer_page(b, op, child, o);
        return;
    }
    if (next_random(b) % 60 == 0)
        offer_elsewhere(b, op, o);
    else if (next_random(b) % 25 == 0)
        offer_image(b, op, link, found);
    else if (i < 8)
        to = i % known; /* what stands on every page */
    else if (i % 2)
        to = skewed(b, known);
    else
        to = known - 1 - (size_t)next_random(b) % MIN(known, (size_t)1000);
    if (o->url.len)
        return;
    found->is_nofollow = next_random(b) % 100 == 0;
    offer_page(b, op, b->ids[to] ? to : 0, o);
    link->id = o->known_id ? o->known_id : b->ids[0];
    link->offer = NULL;
}

static int64_t size_of(size_t page)
{
    return (int64_t)(2000 + mix(page, 5) % 60000);
}

/* A word of a vocabulary in which the n-th is about as frequent as 1/n. */
static size_t put_word(struct bench *b, char *out)
{
    double u = (double)(next_random(b) >> 11) / 9007199254740992.0;
    double scale = 1.0;
    size_t word, len = 0;

    while (u > 0.1 && scale < N_WORDS) { /* a tenth of the mass a step of three */
        u = (u - 0.1) / 0.9;
        scale *= 3.0;
    }
    word = (size_t)(scale * (1.0 + u * 20.0)) % N_WORDS + 1;
    for (size_t rest = word * 2654435761u % 4294967291u; word; word /= 7, rest /= 23)
        out[len++] = (char)('a' + rest % 23);
    out[len++] = ' ';
    return len;
}

static void fill_facts(struct bench *b, struct store_op *op, size_t page,
                       struct page_facts *f)
{
    uint64_t kind = mix(page, 3) % 1000;
    size_t like = kind < 70 ? mix(page, 4) % (page / 20 + 1) : page; /* whose text */
    char *text = arena_try_alloc(&op->mem, (size_t)WORDS_A_PAGE * 16);
    size_t len = 0;

    *f = (struct page_facts){ .outcome = PARSE_OK, .size = 31800 };
    f->size = size_of(page);
    f->word_count = mix(page, 6) % 50 ? (int64_t)(20 + mix(page, 6) % 3000) : 5;
    f->simhash = mix(like, 7);
    for (size_t i = 0; i < 4; i++) {
        uint64_t part = mix(kind < 30 ? like : page, 8 + i);

        memcpy(f->sha256 + i * 8, &part, 8);
    }
    if (kind >= 30 && kind < 70) /* nearly the same: up to three bits differ */
        for (uint64_t i = 0; i < mix(page, 12) % 4; i++)
            f->simhash ^= UINT64_C(1) << mix(page, 13 + i) % 64;
    while (text && len < (size_t)WORDS_A_PAGE * 7)
        len += put_word(b, text + len);
    f->text = span_make(text, len);
    f->charset = SPAN("utf-8");
    f->charset_source = SPAN("meta");
    if (mix(page, 17) % 80)
        f->title = mix(page, 19) % 30
                       ? arena_format(&op->mem, "The title of page number %zu", page)
                       : arena_format(&op->mem, "A title of several pages, number %zu",
                                      page % SHARED_TEXTS);
    f->h1 = SPAN("A heading of ordinary length");
    if (mix(page, 18) % 10)
        f->description =
            mix(page, 20) % 20
                ? arena_format(&op->mem, "What page %zu is about, in a sentence.", page)
                : arena_format(&op->mem, "A description of several pages, number %zu.",
                               page % SHARED_TEXTS);
}

static void fill_answer(struct store_visit *v, size_t page)
{
    static const char headers[] =
        "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sat, 21 Nov 2026 09:00:00 GMT\r\n"
        "Content-Type: text/html\r\nContent-Length: 31800\r\nLast-Modified: Sat, 01 "
        "Nov 2025 09:00:00 GMT\r\nETag: \"650-7c38\"\r\nAccept-Ranges: bytes\r\n";
    static const char request[] =
        "GET / HTTP/1.1\r\nHost: host1.example\r\nUser-Agent: crawl/0.1.0\r\n"
        "Accept: text/html\r\nAccept-Encoding: gzip, br, zstd\r\n";

    v->content_type = SPAN("text/html");
    v->http_version = SPAN("1.1");
    v->ip = SPAN("127.0.0.1");
    v->size = size_of(page);
    v->wire_size = v->size / 4;
    v->ttfb_ms = 3 + (int32_t)(mix(page, 19) % 300);
    v->total_ms = v->ttfb_ms + (mix(page, 20) % 100 ? 4 : 1500);
    v->etag = SPAN("\"650-7c38\"");
    v->last_modified = SPAN("Sat, 01 Nov 2025 09:00:00 GMT");
    v->request_headers = span_make(request, sizeof request - 1);
    v->headers = span_make(headers, sizeof headers - 1);
    v->n_bytes = v->wire_size;
}

static void fill_page(struct bench *b, struct store_op *op, size_t page)
{
    struct page_facts *f = arena_alloc(&op->mem, sizeof *f);
    struct store_visit *v = &op->u.visit;

    fill_facts(b, op, page, f);
    v->facts = f;
    v->body_is_final = true;
    v->n_links = b->n_links;
    v->links = arena_try_array(&op->mem, b->n_links, sizeof *v->links);
    for (size_t i = 0; v->links && i < b->n_links; i++)
        offer_link(b, op, page, i, &v->links[i]);
}

static void fill_fate(struct bench *b, struct store_op *op, size_t page)
{
    struct store_visit *v = &op->u.visit;

    switch (fate_of(b, page)) {
    case FATE_PAGE: fill_page(b, op, page); return;
    case FATE_REDIRECT:
        v->outcome = "redirect";
        v->status_code = 301;
        v->redirect = arena_alloc(&op->mem, sizeof *v->redirect);
        *v->redirect = (struct store_offer){ .known_id = b->ids[skewed(b, page / 2)],
                                             .hop = HOP_REDIRECT,
                                             .depth = v->depth,
                                             .redirects = 1,
                                             .lastmod_ms = -1 };
        return;
    case FATE_GONE:
        v->outcome = "http_error";
        v->status_code = 404;
        return;
    case FATE_BROKEN:
        v->outcome = "http_error";
        v->status_code = 500;
        return;
    case FATE_TIMEOUT:
        v->outcome = "timeout";
        v->state = STATE_FAILED;
        v->status_code = 0;
        v->error = SPAN("no answer within 30 s");
        return;
    case FATE_BARRED:
        v->has_fetch = false;
        v->state = STATE_EXCLUDED;
        v->reason = REASON_ROBOTS;
        v->rule = SPAN("robots.txt line 3: Disallow: /");
        return;
    }
}

static int depth_of(size_t page)
{
    int depth = 0;

    for (; page; page = (page - 1) / N_NEW)
        depth++;
    return depth;
}

static struct store_op *make_visit(struct bench *b, size_t page)
{
    struct store_op *op = store_op_new(STORE_VISIT, (size_t)4 * MIB);

    op->u.visit = (struct store_visit){ .url_id = b->ids[page],
                                        .host_id = b->host_ids[page],
                                        .depth = depth_of(page),
                                        .state = STATE_FETCHED,
                                        .counts_as_page = true,
                                        .has_fetch = true,
                                        .attempt = 1,
                                        .fetched_at_ms = clock_wall_ms(),
                                        .outcome = "ok",
                                        .status_code = 200,
                                        .dns_ms = -1,
                                        .connect_ms = -1,
                                        .tls_ms = -1 };
    fill_answer(&op->u.visit, page);
    fill_fate(b, op, page);
    return op;
}

/* --- the file ------------------------------------------------------------------------ */

static void seed(struct bench *b)
{
    struct store_op *op = store_op_new(STORE_OFFERS, MIB);
    struct store_offer o = { .hop = HOP_SEED, .lastmod_ms = -1 };

    offer_page(b, op, 0, &o);
    op->u.offers.offers = &o;
    op->u.offers.n_offers = 1;
    submit(b, op);
    collect(b, 0);
    b->ids[0] = o.id;
    b->host_ids[0] = o.host_id;
}

static void open_store(struct bench *b)
{
    struct store_options options = {
        .path = b->path, .keeps_text = true, .revisit_max_ms = 1000000, .max_depth = -1
    };
    struct store_run_params params = { .now_wall_ms = clock_wall_ms() };
    struct settings settings = { 0 };
    struct store_run run;
    struct err_note note;
    struct buf rules;

    pthread_mutex_init(&b->mutex, NULL);
    pthread_cond_init(&b->notified, NULL);
    /* As crawl's own, so that its starts need not decide about all again. */
    buf_init(&rules, (size_t)MIB);
    options_set_defaults(&settings_table, &settings);
    settings.scope = SCOPE_DOMAIN;
    if (buf_append(&rules, SPAN(CRAWL_VERSION)) || settings_rules_to_json(&settings, &rules))
        die("no rules");
    params.rules = buf_span(&rules);
    if (store_open(&options, &b->store, &note) ||
        store_begin_run(b->store, &params, &run, &note) ||
        store_start(b->store, on_news, b, &note))
        die(note.text);
    buf_clear(&rules);
    settings_clear(&settings);
}

/* Runs without the link metrics: they are measured on their own. */
static void generate(struct bench *b)
{
    double cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    struct store_op *end = store_op_new(STORE_END_RUN, MIB);
    struct err_note note;
    struct stat st;

    b->ids = mem_array(b->n_pages + 1, sizeof *b->ids);
    b->host_ids = mem_array(b->n_pages + 1, sizeof *b->host_ids);
    open_store(b);
    seed(b);
    for (size_t page = 0; page < b->n_pages; page++) {
        while (!b->ids[page])
            collect(b, b->n_pending - 1);
        submit(b, make_visit(b, page));
    }
    end->u.end_run.is_finished = true;
    end->u.end_run.stop_reason = "finished";
    submit(b, end);
    collect(b, 0);
    if (store_close(b->store, &note))
        die(note.text);
    stat(b->path, &st);
    printf(
        "{\"bench\":\"scale\",\"case\":\"written\",\"pages\":%zu,\"links_a_page\":%zu,"
        "\"cpu_s\":%.1f,\"mib\":%.0f}\n",
        b->n_pages, b->n_links, bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu,
        (double)st.st_size / (double)MIB);
    fflush(stdout);
    mem_free(b->ids);
    mem_free(b->host_ids);
}

/* --- the program --------------------------------------------------------------------- */

struct outcome {
    double first_s, wall_s, cpu_s; /* until the first byte; in all; CPU */
    long peak_kib;
    size_t rows; /* lines of output */
    int status;
};

static const char *program(void)
{
    const char *path = getenv("BENCH_CRAWL");

    return path ? path : "build/crawl";
}

static void exec_program(const char *const *args, int out)
{
    char *argv[MAX_ARGS + 2];
    size_t n = 0;

    argv[n++] = mem_str_copy(span_str(program()));
    for (size_t i = 0; args[i] && n <= MAX_ARGS; i++)
        argv[n++] = mem_str_copy(span_str(args[i]));
    argv[n] = NULL;
    dup2(out, STDOUT_FILENO);
    execv(argv[0], argv);
    _exit(127);
}

/* Reads all there is; the time of the first byte. */
static double drain(int fd, size_t *lines)
{
    char bytes[65536];
    double first = 0.0;
    ssize_t n;

    while ((n = read(fd, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR)) {
        if (n > 0 && first <= 0.0)
            first = bench_seconds(CLOCK_MONOTONIC);
        for (ssize_t i = 0; i < n; i++)
            *lines += bytes[i] == '\n';
    }
    return first;
}

static struct outcome run_program(const char *const *args)
{
    double began = bench_seconds(CLOCK_MONOTONIC), first;
    struct outcome o = { .rows = 0 };
    struct rusage used;
    int ends[2];
    pid_t child;

    if (pipe2(ends, O_CLOEXEC))
        die("no pipe");
    child = fork();
    if (child == 0)
        exec_program(args, ends[1]);
    close(ends[1]);
    first = drain(ends[0], &o.rows);
    close(ends[0]);
    if (child < 0 || wait4(child, &o.status, 0, &used) != child)
        die("cannot run the program");
    o.wall_s = bench_seconds(CLOCK_MONOTONIC) - began;
    o.first_s = first > 0.0 ? first - began : o.wall_s;
    o.cpu_s = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
              (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    o.peak_kib = used.ru_maxrss;
    return o;
}

static void measure(const char *name, const char *const *args)
{
    struct outcome o = run_program(args);

    printf("{\"bench\":\"scale\",\"case\":\"%s\",\"cpu_s\":%.3f,\"wall_s\":%.3f,"
           "\"first_s\":%.3f,\"peak_mib\":%ld,\"lines\":%zu,\"exit\":%d}\n",
           name, o.cpu_s, o.wall_s, o.first_s, o.peak_kib / 1024, o.rows,
           WIFEXITED(o.status) ? WEXITSTATUS(o.status) : -1);
    fflush(stdout);
}

static void measure_sql(const char *file, const char *name, const char *query)
{
    const char *args[] = { "sql", "-f", "csv", "-o", file, query, NULL };

    measure(name, args);
}

/* Every report that `crawl sql --list` names. */
static void measure_reports(const char *file)
{
    char line[256], command[512];
    FILE *list;

    snprintf(command, sizeof command, "'%s' sql --list", program());
    list = popen(command, "r");
    if (!list)
        die("no list of reports");
    while (fgets(line, sizeof line, list)) {
        char name[280];

        line[strcspn(line, " \n")] = '\0';
        snprintf(name, sizeof name, "sql %s", line);
        measure_sql(file, name, line);
    }
    pclose(list);
}

#define SEARCH(words)                                                                 \
    "SELECT u.url, p.title FROM page_text t CROSS JOIN fetches f ON f.id = t.rowid JOIN pages p ON p.url_id = f.url_id AND p.fetch_id = f.id"     \
    " JOIN urls u ON u.id = p.url_id WHERE page_text MATCH '" words "' ORDER BY rank" \
    " LIMIT 20"

/* Of a copy, which it changes: a file that is kept stays as a crawl left it. */
static void measure_again(const char *file)
{
    char copy[280], command[600];
    const char *again[] = { "-o", copy, "--scope", "domain", "-n", "0", "-q", NULL };

    snprintf(copy, sizeof copy, "%s-again", file);
    snprintf(command, sizeof command, "cp '%s' '%s'", file, copy);
    if (system(command))
        die("no copy of the file");
    measure("a start that asks everything again", again);
    unlink(copy);
}

static void measure_all(const char *file)
{
    const char *metrics[] = { "-o", file, "--scope", "domain", "--revisit", "none", "-q", NULL };
    const char *search[] = { "search", "-o", file, "title", NULL };
    const char *on_host[] = { "search", "-o", file, "--host", "www3.site.example", "title", NULL };
    const char *status[] = { "status", "-o", file, NULL };
    const char *verify[] = { "verify", "-o", file, NULL };

    measure("a run's end with link metrics", metrics);
    measure("a start with nothing to do", metrics);
    measure_reports(file);
    measure_sql(file, "internal_all LIMIT 1000",
                "SELECT * FROM internal_all LIMIT 1000");
    measure_sql(file, "search, one word", SEARCH("title"));
    measure_sql(file, "search, a rarer word", SEARCH("title 77777"));
    measure_sql(file, "search, two words", SEARCH("number heading"));
    measure("crawl search, a word of nearly every page", search);
    measure("crawl search, the same on one host", on_host);
    measure("status", status);
    measure("verify", verify);
    measure_again(file);
}

static size_t number(const char *text, size_t otherwise)
{
    return text && strtoul(text, NULL, 10) ? strtoul(text, NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    const char *dir = getenv("BENCH_DIR");
    struct bench b = { .seed = 88172645463325252u };

    b.n_pages = number(argc > 1 ? argv[1] : NULL, PAGES_DEFAULT);
    b.n_links = number(argc > 2 ? argv[2] : NULL, LINKS_DEFAULT);
    b.n_hosts = b.n_pages / 1000 + 3;
    snprintf(b.path, sizeof b.path, "%s/bench-scale-%zu-%zu.db", dir ? dir : "/dev/shm",
             b.n_pages, b.n_links);
    if (access(b.path, F_OK))
        generate(&b);
    measure_all(b.path);
    if (!getenv("BENCH_KEEP"))
        unlink(b.path);
    return 0;
}
