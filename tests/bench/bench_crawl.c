/* SPDX-License-Identifier: MIT */
/*
 * Whole crawls: the program, everything stored, into a database that is not
 * there yet. First a synthetic web of 8 KB pages on 50 hosts that answer after
 * 200 ms, with 1,000 and with 5,000 requests in flight; then a real corpus,
 * served from memory. One JSON line a crawl. CPU is the program's and its parser
 * processes' (it waits for them, so the kernel counts their time with its own),
 * not that of the server, which is a process of its own.
 *
 * BENCH_PAGES: pages of the synthetic web (60000). BENCH_CORPUS: a folder of
 * HTML files (/usr/share/doc). BENCH_DIR: where the database goes (/dev/shm).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "config/io.h"
#include "config/mem.h"
#include "tests/bench/bench.h"
#include "tests/kit/corpus.h"
#include "tests/kit/rig.h"

#define N_HOSTS         50
#define PAGES_DEFAULT   60000
#define PAGE_BYTES      8192
#define ANSWER_AFTER_MS 200
#define LINKS_DOWN      10 /* page k leads to 10 k + 1 ... 10 k + 10, so 0 leads to all */
#define LINKS_ACROSS    10
#define CORPUS_DEFAULT  "/usr/share/doc"
#define CORPUS_PER_HOST "8"
#define PATIENCE_MS     (60 * 60 * 1000)

#define FOUND                                                         \
    "SELECT count(*) FROM urls u JOIN fetches f ON f.id = u.fetch_id" \
    " WHERE f.outcome = 'ok' AND f.status_code = 200"

struct outcome {
    double wall_s, cpu_us;
    int64_t found, db_bytes;
};

/* --- the synthetic web ------------------------------------------------------------------ */

struct web {
    size_t pages_per_host;
    char filler[2 * PAGE_BYTES];
};

static void fill(struct web *web)
{
    static const char text[] =
        "<p>The crawler asks, the <b>host</b> answers, the parser reads what came, and "
        "the store keeps it until somebody wants to know.</p>\n";

    for (size_t i = 0; i < sizeof web->filler; i++)
        web->filler[i] = text[i % (sizeof text - 1)];
}

static enum err put_links(const struct web *web, size_t k, struct buf *out)
{
    enum err e = OK;

    for (size_t i = 1; i <= LINKS_DOWN && !e; i++)
        if (LINKS_DOWN * k + i < web->pages_per_host)
            e = buf_printf(out, "<p><a href=\"/p/%zu.html\">page %zu</a></p>\n",
                           LINKS_DOWN * k + i, LINKS_DOWN * k + i);
    for (size_t i = 1; i <= LINKS_ACROSS && !e; i++) {
        size_t other = (k * 7919 + i * 104729) % web->pages_per_host;

        e = buf_printf(out, "<li><a href=\"/p/%zu.html\">see %zu</a></li>\n", other,
                       other);
    }
    return e;
}

static void make_page(void *arg, const struct origin_request *r, int *io_status,
                      struct buf *out)
{
    const struct web *web = arg;
    struct span name = span_skip(span_str(r->path), 3);
    uint64_t k;
    enum err e;

    if (!span_ends(name, SPAN(".html")) ||
        !span_parse_u64(span_slice(name, 0, name.len - 5), &k) ||
        k >= web->pages_per_host) {
        *io_status = 404;
        return;
    }
    e = buf_printf(out, "<!doctype html><title>Page %zu</title><h1>Page %zu</h1>\n",
                   (size_t)k, (size_t)k);
    if (!e)
        e = put_links(web, (size_t)k, out);
    if (!e && out->len < PAGE_BYTES)
        e = buf_append(out, span_make(web->filler + k % 1000, PAGE_BYTES - out->len));
    BUG_IF(e != OK);
}

/* --- a crawl -------------------------------------------------------------------------------- */

static int64_t file_bytes(const char *path)
{
    struct stat st;

    return stat(path, &st) ? 0 : (int64_t)st.st_size;
}

/* False, and said why, when there is nothing to measure. */
static bool crawl(struct rig *g, const char *name, const char *const *args,
                  struct outcome *out)
{
    g->p.patience_ms = PATIENCE_MS;
    out->wall_s = bench_seconds(CLOCK_MONOTONIC);
    (void)program_crawl(&g->p, args);
    out->wall_s = bench_seconds(CLOCK_MONOTONIC) - out->wall_s;
    out->found = g->p.exit_code ? 0 : program_number(&g->p, FOUND);
    if (out->found <= 0) {
        fprintf(stderr, "bench_crawl: %s: no page, exit code %d\n%.*s", name,
                g->p.exit_code, SPAN_ARG(buf_span(&g->p.err)));
        return false;
    }
    out->cpu_us = (double)g->p.cpu_us;
    out->db_bytes = file_bytes(program_path(&g->p, "crawl.db")) +
                    file_bytes(program_path(&g->p, "crawl.db-wal"));
    return true;
}

/* The end of a crawl's line. False, and said why, when it is not every page. */
static bool report(const char *name, const struct outcome *o, size_t expected,
                   const struct origin *server)
{
    double pages = (double)o->found;

    printf(
        "\"expected\":%zu,\"found\":%lld,\"peak_in_flight\":%llu,\"wall_s\":%.2f,"
        "\"pages_per_s\":%.0f,\"cpu_us_per_page\":%.1f,\"db_bytes_per_page\":%.0f}\n",
        expected, (long long)o->found,
        (unsigned long long)origin_counts(server).peak_in_flight, o->wall_s,
        pages / o->wall_s, o->cpu_us / pages, (double)o->db_bytes / pages);
    if (o->found == (int64_t)expected)
        return true;
    fprintf(stderr, "bench_crawl: %s: not as many pages as expected\n", name);
    return false;
}

static void seed_hosts(struct rig *g)
{
    struct buf seeds;

    buf_init(&seeds, (size_t)MIB);
    for (unsigned i = 1; i <= N_HOSTS; i++)
        BUG_IF(buf_printf(&seeds, "http://127.0.0.%u:%u/p/0.html\n", i,
                          origin_port(g->o)) != OK);
    program_write(&g->p, "seeds.txt", buf_span(&seeds));
    buf_clear(&seeds);
}

static bool crawl_web(struct web *web, unsigned n_in_flight)
{
    const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/p/*",
          .headers = HTML,
          .generate = make_page,
          .arg = web,
          .delay_ms = ANSWER_AFTER_MS },
    };
    const char *name = "synthetic web";
    size_t expected = web->pages_per_host * N_HOSTS;
    char in_flight[16], per_host[16];
    struct outcome o = { .found = 0 };
    struct rig g;
    bool ok;

    RIG_OPEN(&g, routes, N_HOSTS, "");
    seed_hosts(&g);
    (void)snprintf(in_flight, sizeof in_flight, "%u", n_in_flight);
    (void)snprintf(per_host, sizeof per_host, "%u", n_in_flight / N_HOSTS);
    ok = crawl(&g, name,
               ARGS{ "-q", "--delay", "0", "-c", in_flight, "--per-host", per_host,
                     "seeds.txt", NULL },
               &o);
    if (ok) {
        printf("{\"bench\":\"crawl\",\"case\":\"%s\",\"hosts\":%d,\"page_bytes\":%d,"
               "\"answer_after_ms\":%d,\"in_flight\":%u,",
               name, N_HOSTS, PAGE_BYTES, ANSWER_AFTER_MS, n_in_flight);
        ok = report(name, &o, expected, g.o);
    }
    rig_close(&g);
    return ok;
}

/* --- a real corpus --------------------------------------------------------------------------- */

/* For a JSON string: what cannot stand in one becomes '?'. */
static const char *plain(const char *text)
{
    static char out[256];
    size_t n = 0;

    for (; text[n] && n < sizeof out - 1; n++)
        out[n] =
            (unsigned char)text[n] < ' ' || memchr("\"\\", text[n], 2) ? '?' : text[n];
    out[n] = '\0';
    return out;
}

static bool crawl_corpus(struct corpus *corpus, const char *folder)
{
    const struct origin_route routes[] = {
        NO_ROBOTS,
        { .headers = HTML, .generate = corpus_answer, .arg = corpus },
    };
    const char *name = "corpus";
    struct outcome o = { .found = 0 };
    struct rig g;
    bool ok;

    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    ok = crawl(&g, name,
               ARGS{ "-q", "--delay", "0", "--per-host", CORPUS_PER_HOST,
                     "--max-pages-per-host", "1000000000", "seeds.txt", NULL },
               &o);
    if (ok) {
        printf("{\"bench\":\"crawl\",\"case\":\"%s\",\"folder\":\"%s\",\"bytes\":%zu,"
               "\"per_host\":" CORPUS_PER_HOST ",\"mb_per_s\":%.1f,"
               "\"db_bytes_per_html_byte\":%.3f,",
               name, plain(folder), corpus_n_bytes(corpus),
               (double)corpus_n_bytes(corpus) / 1e6 / o.wall_s,
               (double)o.db_bytes / (double)corpus_n_bytes(corpus));
        ok = report(name, &o, corpus_n_pages(corpus), g.o);
    }
    rig_close(&g);
    return ok;
}

/* A folder that somebody named must have pages; the usual one may be missing. */
static bool bench_corpus(const char *named)
{
    const char *folder = named ? named : CORPUS_DEFAULT;
    struct corpus *corpus = corpus_read(folder);
    bool ok = !named;

    if (corpus_n_bytes(corpus))
        ok = crawl_corpus(corpus, folder);
    else if (named)
        fprintf(stderr, "bench_crawl: no .html file below %s\n", named);
    else
        printf(
            "{\"bench\":\"crawl\",\"case\":\"corpus\",\"folder\":\"%s\","
            "\"skipped\":\"no .html file there, BENCH_CORPUS names another folder\"}\n",
            folder);
    corpus_free(corpus);
    return ok;
}

int main(void)
{
    static const unsigned in_flight[] = { 1000, 5000 };
    const char *dir = getenv("BENCH_DIR"), *pages = getenv("BENCH_PAGES");
    struct web *web = mem_alloc(sizeof *web);
    uint64_t n = PAGES_DEFAULT;
    bool ok = true;

    setvbuf(stdout, NULL, _IOLBF, 0);
    (void)io_raise_open_files();
    (void)setenv("TMPDIR", dir ? dir : "/dev/shm", 1);
    if (pages && (!span_parse_u64(span_str(pages), &n) || n < N_HOSTS)) {
        fprintf(stderr, "bench_crawl: BENCH_PAGES must be %d or more\n", N_HOSTS);
        ok = false;
    }
    web->pages_per_host = (size_t)n / N_HOSTS;
    fill(web);
    for (size_t i = 0; i < ARRAY_LEN(in_flight) && ok; i++)
        ok = crawl_web(web, in_flight[i]);
    ok = ok && bench_corpus(getenv("BENCH_CORPUS"));
    mem_free(web);
    return ok ? 0 : 1;
}
