/* SPDX-License-Identifier: MIT */
/*
 * What leaves the program in the formats of others, as whole runs: WARC files
 * written during a crawl and from a database, JSON lines, CSV, the link graph.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "config/clock.h"
#include "config/io.h"
#include "tests/kit/rig.h"
#include "tests/kit/warcread.h"

#define START_PAGE                                                                               \
    "<title>=1+1</title><meta name=description content='\"a\", b'><h1>Start</h1>"                \
    "<a href=/gzip rel=nofollow>packed</a><a href=/chunked>in\tpieces</a><a href=/same>same</a>" \
    "<a href=/moved>moved</a><a href=/missing>missing</a><a href=/cut>cut</a><a href=/picture>p</a>"
#define PACKED_PAGE \
    "<title>Packed</title><p>This page is sent with a content coding.</p>"
#define CHUNKED_PAGE "<title>Chunked</title>chunked"
#define SAME_PAGE    "<title>Same</title>the same bytes twice"

static const struct origin_step cut_script[] = {
    { .kind = ORIGIN_SEND,
      .bytes = LIT(
          "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5000\r\n\r\n<title>Cut") },
    { .kind = ORIGIN_CLOSE },
};

static char packed[512];

/* The table's "/gzip" is filled in by make_routes. */
static struct origin_route routes[] = {
    { .path = "/robots.txt",
      .headers = PLAIN,
      .body = LIT("User-agent: *\nDisallow: /private\n") },
    { .path = "/", .headers = HTML, .body = LIT(START_PAGE) },
    { .path = "/gzip", .headers = HTML "Content-Encoding: gzip\r\nETag: \"g\"\r\n" },
    { .path = "/chunked",
      .headers = HTML,
      .body = LIT(CHUNKED_PAGE),
      .framing = ORIGIN_CHUNKED },
    { .path = "/same*",
      .headers = HTML "Content-Language: en\r\n",
      .body = LIT(SAME_PAGE "<a href=/same2>2</a>") },
    { .path = "/moved",
      .status = 301,
      .headers = HTML "Location: /target\r\n",
      .body = LIT("gone there") },
    { .path = "/target",
      .headers = HTML,
      .body = LIT("<title>Target</title>"),
      .framing = ORIGIN_UNTIL_CLOSE },
    { .path = "/cut", .script = cut_script, .n_steps = ARRAY_LEN(cut_script) },
    { .path = "/picture",
      .headers = "Content-Type: image/png\r\n",
      .body = LIT("not wanted") },
};

static struct span gzip(const char *text)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)text,
                   .avail_in = (uInt)strlen(text),
                   .next_out = (Bytef *)packed,
                   .avail_out = sizeof packed };

    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
        deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    deflateEnd(&z);
    return span_make(packed, sizeof packed - z.avail_out);
}

static void open_site(struct rig *g)
{
    routes[2].body = gzip(PACKED_PAGE);
    RIG_OPEN(g, routes, 1, "http://127.0.0.1:$PORT/\n");
}

#define CRAWL(g, ...)                                                           \
    program_crawl(&(g)->p, ARGS{ "seeds.txt", "--delay", "0", "--retries", "0", \
                                 __VA_ARGS__, NULL })
#define RUN(g, ...) program_run(&(g)->p, ARGS{ __VA_ARGS__, NULL })

static struct warcread *read_archive(struct rig *g, const char *dir)
{
    struct warcread *w = warcread_folder(program_path(&g->p, dir), ".warc.gz");

    if (w->problem)
        fail_msg("%s", w->problem);
    return w;
}

/* The record of this kind for a path. */
static const struct warcread_record *record(struct rig *g, const struct warcread *w,
                                            const char *type, const char *path)
{
    const struct warcread_record *r = warcread_find(w, type, origin_url(g->o, path));

    if (!r)
        fail_msg("no %s for %s", type, path);
    return r;
}

static bool has_line(const struct warcread_record *r, const char *line)
{
    return span_find_nocase(warcread_head(r), span_str(line)) < warcread_head(r).len;
}

static void assert_payload(const struct warcread_record *r, struct span want)
{
    struct span got = warcread_payload(r);

    if (!span_eq(got, want))
        fail_msg("payload of %zu bytes, want %zu", got.len, want.len);
}

static struct span file_text(struct rig *g, const char *name, struct buf *out)
{
    struct err_note note;

    buf_init(out, (size_t)MIB);
    assert_int_equal(io_read_file(program_path(&g->p, name), out, &note), OK);
    return buf_span(out);
}

/* --- during a crawl -------------------------------------------------------------- */

static void a_live_archive_has_every_exchange_as_it_was_received(void **state)
{
    const struct warcread_record *r;
    struct warcread *w;
    struct rig g;

    (void)state;
    open_site(&g);
    assert_int_equal(CRAWL(&g, "--warc", "live", "-q"), 0);
    w = read_archive(&g, "live");

    assert_payload(record(&g, w, "response", "/robots.txt"), routes[0].body);
    assert_payload(record(&g, w, "response", "/"), SPAN(START_PAGE));
    r = record(&g, w, "response", "/gzip");
    assert_payload(r, routes[2].body);
    assert_true(has_line(r, "\r\nContent-Encoding: gzip\r\n"));
    r = record(&g, w, "response", "/chunked");
    assert_payload(r, SPAN(CHUNKED_PAGE));
    assert_true(has_line(r, "\r\nX-Crawl-Original-Transfer-Encoding: chunked\r\n"));
    assert_true(has_line(r, "\r\nContent-Length: 29\r\n"));
    assert_payload(record(&g, w, "response", "/moved"), SPAN("gone there"));
    assert_true(has_line(record(&g, w, "response", "/moved"),
                         "HTTP/1.1 301 Moved Permanently\r\n"));
    assert_true(
        has_line(record(&g, w, "response", "/missing"), "HTTP/1.1 404 Not Found\r\n"));
    r = record(&g, w, "response", "/cut");
    assert_true(warcread_is(r, "WARC-Truncated", "disconnect"));
    assert_true(has_line(r, "\r\nX-Crawl-Original-Content-Length: 5000\r\n"));
    assert_payload(r, SPAN("<title>Cut"));
    assert_true(warcread_is(record(&g, w, "response", "/picture"), "WARC-Truncated",
                            "unspecified"));
    assert_int_equal(warcread_count(w, "response", NULL) +
                         warcread_count(w, "revisit", NULL),
                     origin_counts(g.o).requests);
    assert_int_equal(warcread_count(w, "request", NULL), origin_counts(g.o).requests);
    warcread_free(w);
    rig_close(&g);
}

static void a_page_with_the_same_bytes_refers_to_the_first(void **state)
{
    const struct warcread_record *r;
    struct warcread *w;
    struct rig g;

    (void)state;
    open_site(&g);
    assert_int_equal(CRAWL(&g, "--warc", "live", "-q"), 0);
    w = read_archive(&g, "live");

    record(&g, w, "response", "/same");
    r = record(&g, w, "revisit", "/same2");
    assert_true(warcread_is(r, "WARC-Refers-To-Target-URI", origin_url(g.o, "/same")));
    assert_int_equal(warcread_payload(r).len, 0);
    warcread_free(w);
    rig_close(&g);
}

static void the_warcinfo_names_no_secret(void **state)
{
    const struct warcread_record *r;
    struct warcread *w;
    struct rig g;

    (void)state;
    open_site(&g);
    assert_int_equal(CRAWL(&g, "--warc", "live", "-q", "--header",
                           "Authorization: hunter2", "--contact",
                           "mailto:me@example.org"),
                     0);
    w = read_archive(&g, "live");

    r = warcread_find(w, "warcinfo", NULL);
    assert_non_null(r);
    assert_true(span_find_span(r->block, SPAN("operator: mailto:me@example.org\r\n")) <
                r->block.len);
    assert_true(span_find_span(r->block, SPAN("robots: obey\r\n")) < r->block.len);
    assert_true(span_find_span(r->block, SPAN("settings: {\"db\"")) < r->block.len);
    assert_int_equal(span_find_span(buf_span(&w->text), SPAN("hunter2")), w->text.len);
    assert_true(
        has_line(record(&g, w, "request", "/"), "Authorization: (withheld)\r\n"));
    warcread_free(w);
    rig_close(&g);
}

static void an_archive_has_no_value_of_a_cookie(void **state)
{
    static const struct origin_route sites[] = {
        NO_ROBOTS,
        { .path = "/", .headers = HTML "Set-Cookie: crumb=needle; Path=/\r\n", .body = LIT("<a href=/next>n</a>") },
        { .path = "/next", .headers = HTML, .body = PAGE },
    };
    struct warcread *w;
    struct rig g;

    (void)state;
    RIG_OPEN(&g, sites, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(CRAWL(&g, "--warc", "live", "-q", "--cookies"), 0);
    assert_non_null(strstr(traffic_nth(g.o, NULL, "/next", 0)->headers, "crumb=needle"));
    w = read_archive(&g, "live");
    assert_int_equal(span_find_span(buf_span(&w->text), SPAN("needle")), w->text.len);
    assert_true(has_line(record(&g, w, "response", "/"), "Set-Cookie: crumb=(withheld); Path=/\r\n"));
    assert_true(has_line(record(&g, w, "request", "/next"), "Cookie: (withheld)\r\n"));
    warcread_free(w);
    rig_close(&g);
}

#define MANY_PAGES  100
#define FETCHED     "SELECT count(*) FROM urls WHERE state = 'fetched'"
#define NOISE_BYTES 300000

static void many_links(void *arg, const struct origin_request *r, int *io_status,
                       struct buf *out)
{
    (void)arg;
    (void)r;
    (void)io_status;
    for (int i = 0; i < MANY_PAGES; i++)
        if (buf_printf(out, "<a href=/page/%d>%d</a>", i, i))
            abort();
}

/* A text of its own that hardly shrinks: writing it down takes longer than recording it. */
static void noise_page(void *arg, const struct origin_request *r, int *io_status,
                       struct buf *out)
{
    uint32_t seed = 1;

    (void)arg;
    (void)io_status;
    for (const char *at = r->path; *at; at++)
        seed = seed * 31 + (unsigned char)*at;
    for (int i = 0; i < NOISE_BYTES; i++) {
        seed = seed * 1664525u + 1013904223u;
        if (buf_append_byte(out, (char)(' ' + (seed >> 24) % 94)))
            abort();
    }
}

static const struct origin_route many_routes[] = {
    NO_ROBOTS,
    { .path = "/", .headers = HTML, .generate = many_links },
    { .path = "/page/*", .headers = PLAIN, .generate = noise_page },
};

/* Every page that the database has as done is in the files. */
static void assert_archive_has_all(struct rig *g, struct warcread *w)
{
    for (int i = 0; i < MANY_PAGES; i++) {
        char path[32], sql[128];

        snprintf(path, sizeof path, "/page/%d", i);
        snprintf(
            sql, sizeof sql,
            "SELECT count(*) FROM urls WHERE state = 'fetched' AND url LIKE '%%/page/%d'",
            i);
        if (program_number(&g->p, sql) == 1)
            record(g, w, "response", path);
    }
}

#define MANY(...)                                                         \
    ARGS                                                                  \
    {                                                                     \
        "seeds.txt", "--delay", "0", "--per-host", "4", "--warc", "live", \
            "--store-bodies", "none", "--no-text", "-q", __VA_ARGS__      \
    }

static void a_kill_loses_no_page_that_the_database_has(void **state)
{
    struct warcread *w;
    char dir[256];
    struct rig g;

    (void)state;
    RIG_OPEN(&g, many_routes, 1, "http://127.0.0.1:$PORT/\n");
    snprintf(dir, sizeof dir, "%s", program_path(&g.p, "live"));
    for (size_t round = 1; round <= 3; round++) {
        program_start_crawl(&g.p, MANY(NULL));
        assert_true(traffic_wait(g.o, NULL, "/page/*", round * 25));
        program_kill(&g.p);
        assert_true(warcread_names(dir, ".open", NULL) >= 1);
    }
    /* The next start mends, whatever it then does. */
    assert_int_equal(program_crawl(&g.p, MANY("-n", "0", NULL)), 5);
    assert_int_equal(warcread_names(dir, ".open", NULL), 0);
    assert_true(program_number(&g.p, FETCHED) > 0);
    w = read_archive(&g, "live");
    assert_archive_has_all(&g, w);
    warcread_free(w);

    assert_int_equal(program_crawl(&g.p, MANY(NULL)), 0);
    assert_int_equal(program_number(&g.p, FETCHED), MANY_PAGES + 1);
    w = read_archive(&g, "live");
    assert_archive_has_all(&g, w);
    assert_int_equal(warcread_names(dir, ".cdxj", NULL),
                     warcread_names(dir, ".warc.gz", NULL));
    warcread_free(w);
    rig_close(&g);
}

/* A sixteenth of 64 MiB may be queued, 14 pages: the others stay with their server. */
static void requests_wait_while_much_is_to_be_written(void **state)
{
    struct warcread *w;
    struct rig g;

    (void)state;
    RIG_OPEN(&g, many_routes, 1, "http://127.0.0.1:$PORT/\n");
    program_start_crawl(&g.p, MANY("--max-memory", "64M", NULL));
    assert_true(traffic_wait(g.o, NULL, "/page/*", MANY_PAGES - 10));
    program_kill(&g.p);

    assert_int_equal(program_crawl(&g.p, MANY("-n", "0", NULL)), 5);
    w = read_archive(&g, "live");
    assert_true(warcread_count(w, "response", NULL) > MANY_PAGES - 10 - 13 - 20);
    warcread_free(w);
    rig_close(&g);
}

static void a_directory_that_cannot_be_had_ends_the_crawl_before_it_begins(void **state)
{
    struct rig g;

    (void)state;
    open_site(&g);
    program_write(&g.p, "file", SPAN("x"));
    assert_int_equal(CRAWL(&g, "--warc", "file", "-q"), 3);
    assert_true(program_said(&g.p, "cannot open file: Not a directory"));
    assert_int_equal(origin_counts(g.o).requests, 0);
    rig_close(&g);
}

static bool wait_for_name(const char *path)
{
    for (int64_t until = clock_now_ns() + 10 * NS_PER_S; clock_now_ns() < until;
         usleep(1000))
        if (access(path, F_OK) == 0)
            return true;
    return false;
}

#define N_SEEDS 200

static void a_write_error_stops_the_crawl_with_its_cause(void **state)
{
    static const struct origin_route slow[] = {
        { .path = "/robots.txt", .status = 404, .delay_ms = 1500 },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    char dir[256];
    struct buf seeds;
    struct rig g;

    (void)state;
    RIG_OPEN(&g, slow, 1, "");
    buf_init(&seeds, (size_t)MIB);
    for (int i = 0; i < N_SEEDS; i++)
        assert_int_equal(buf_printf(&seeds, "%s%d\n", origin_url(g.o, "/"), i), OK);
    program_write(&g.p, "seeds.txt", buf_span(&seeds));
    buf_clear(&seeds);
    snprintf(dir, sizeof dir, "%s", program_path(&g.p, "live"));
    program_start_crawl(
        &g.p, ARGS{ "seeds.txt", "--delay", "0", "--warc", "live", "-q", NULL });
    assert_true(wait_for_name(dir));
    assert_true(traffic_wait(g.o, NULL, "/robots.txt", 1));
    assert_int_equal(rmdir(dir), 0); /* nothing can be created in it now */

    assert_int_equal(program_wait(&g.p), 3);
    assert_true(program_said(&g.p, "crawl: cannot create live/crawl-"));
    assert_true(program_said(&g.p, ".warc.gz.open: No such file or directory"));
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'queued'"),
        N_SEEDS);
    assert_true(origin_counts(g.o).requests < N_SEEDS / 2);
    assert_string_equal(program_text(&g.p, "SELECT stop_reason FROM runs"), "warc");
    rig_close(&g);
}

/* --- from the database ----------------------------------------------------------- */

static void stored_bodies_are_exported_decoded(void **state)
{
    const struct warcread_record *r;
    struct warcread *w;
    struct rig g;
    char sha256[80], length[64];

    (void)state;
    open_site(&g);
    assert_int_equal(CRAWL(&g, "-q"), 0);
    assert_int_equal(RUN(&g, "export", "--warc", "out"), 0);
    w = read_archive(&g, "out");

    r = record(&g, w, "response", "/gzip");
    assert_payload(r, SPAN(PACKED_PAGE));
    assert_true(has_line(r, "\r\nX-Crawl-Original-Content-Encoding: gzip\r\n"));
    assert_false(has_line(r, "\r\nContent-Encoding:"));
    assert_true(has_line(r, "\r\nETag: \"g\"\r\n"));
    snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n",
             sizeof PACKED_PAGE - 1);
    assert_true(has_line(r, length));
    snprintf(
        sha256, sizeof sha256, "sha256:%s",
        program_text(
            &g.p,
            "SELECT sha256 FROM fetches f JOIN urls u ON u.id = f.url_id WHERE url LIKE '%/gzip'"));
    assert_true(warcread_is(r, "X-Crawl-Payload-Digest", sha256));
    r = record(&g, w, "response", "/chunked");
    assert_payload(r, SPAN(CHUNKED_PAGE));
    assert_true(has_line(r, "\r\nX-Crawl-Original-Transfer-Encoding: chunked\r\n"));
    assert_payload(record(&g, w, "response", "/"), SPAN(START_PAGE));
    record(&g, w, "revisit", "/same2");
    record(&g, w, "request", "/");
    warcread_free(w);
    rig_close(&g);
}

/* Only the body has a hash then: the fetch's would be that of a page nobody has read. */
static void what_max_size_cut_is_exported_as_far_as_it_came(void **state)
{
    static const struct origin_route sites[] = {
        NO_ROBOTS,
        { .path = "/", .headers = HTML, .body = LIT("<title>Cut</title>the rest") },
    };
    const struct warcread_record *r;
    struct warcread *w;
    struct rig g;

    (void)state;
    RIG_OPEN(&g, sites, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(CRAWL(&g, "-q", "--max-size", "10"), 0);
    assert_int_equal(program_run(&g.p, ARGS{ "export", "--warc", "out", NULL }), 0);
    w = read_archive(&g, "out");
    r = record(&g, w, "response", "/");
    assert_payload(r, SPAN("<title>Cut"));
    assert_true(warcread_is(r, "WARC-Truncated", "length"));
    warcread_free(w);
    rig_close(&g);
}

static void a_page_without_a_body_gives_metadata(void **state)
{
    const struct warcread_record *r;
    struct warcread *w;
    struct rig g;

    (void)state;
    open_site(&g);
    assert_int_equal(CRAWL(&g, "-q", "--store-bodies", "none"), 0);
    assert_int_equal(RUN(&g, "export", "--warc", "out"), 0);
    w = read_archive(&g, "out");

    assert_int_equal(warcread_count(w, "response", NULL), 0);
    r = record(&g, w, "metadata", "/gzip");
    assert_true(span_find_span(r->block, SPAN("statusCode: 200\r\n")) < r->block.len);
    assert_true(
        span_find_span(r->block, SPAN("responseHeader: Content-Encoding: gzip\r\n")) <
        r->block.len);
    assert_true(span_starts(r->block, SPAN("via: http://127.0.0.1:")));
    assert_int_equal(warcread_count(w, "metadata", NULL),
                     program_number(&g.p, "SELECT count(*) FROM fetches"));
    warcread_free(w);
    rig_close(&g);
}

static void a_304_refers_to_the_fetch_before_it(void **state)
{
    static const struct origin_route once[] = {
        NO_ROBOTS,
        { .path = "/", .headers = HTML "ETag: \"1\"\r\n", .body = PAGE, .uses = 1 },
        { .path = "/", .status = 304, .headers = "ETag: \"1\"\r\n" },
    };
    const struct warcread_record *r;
    struct warcread *w;
    struct rig g;

    (void)state;
    RIG_OPEN(&g, once, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(CRAWL(&g, "-q"), 0);
    assert_int_equal(CRAWL(&g, "-q", "--warc", "live"), 0);
    assert_int_equal(RUN(&g, "export", "--warc", "out"), 0);

    w = read_archive(&g, "out");
    r = record(&g, w, "revisit", "/");
    assert_true(span_eq(warcread_field(r, "WARC-Refers-To-Date"),
                        warcread_field(record(&g, w, "response", "/"), "WARC-Date")));
    assert_true(has_line(r, "HTTP/1.1 304 Not Modified\r\n"));
    warcread_free(w);
    w = read_archive(&g, "live");
    assert_true(
        has_line(record(&g, w, "revisit", "/"), "HTTP/1.1 304 Not Modified\r\n"));
    warcread_free(w);
    rig_close(&g);
}

static void a_damaged_body_is_named_and_the_rest_exported(void **state)
{
    struct warcread *w;
    struct rig g;

    (void)state;
    open_site(&g);
    assert_int_equal(CRAWL(&g, "-q"), 0);
    program_change(
        &g.p,
        "UPDATE body SET data = x'00112233' WHERE id = (SELECT f.body_id FROM fetch f JOIN url u"
        " ON u.id = f.url_id WHERE u.url LIKE '%/chunked')");
    program_change(&g.p, "UPDATE fetch SET sha256 = zeroblob(32) WHERE url_id ="
                         " (SELECT id FROM url WHERE url LIKE '%/target')");
    assert_int_equal(RUN(&g, "export", "--warc", "out"), 3);
    assert_true(program_said(&g.p, "2 stored bodies are damaged"));
    w = read_archive(&g, "out");
    record(&g, w, "metadata", "/chunked");
    record(&g, w, "metadata", "/target");
    record(&g, w, "response", "/gzip");
    warcread_free(w);
    rig_close(&g);
}

static void pages_and_links_become_tables(void **state)
{
    struct buf csv, jsonl, links;
    struct span text;
    struct rig g;

    (void)state;
    open_site(&g);
    assert_int_equal(CRAWL(&g, "-q"), 0);
    program_write(&g.p, "pages.csv", SPAN("of yesterday"));
    assert_int_equal(RUN(&g, "export", "--csv", "pages.csv", "--jsonl", "pages.jsonl",
                         "--links", "links.tsv"),
                     0);

    text = file_text(&g, "pages.csv", &csv);
    assert_true(span_starts(
        text,
        SPAN(
            "\"url\",\"status\",\"title\",\"description\",\"h1\",\"canonical\",\"lang\","
            "\"depth\",\"fetched_at\",\"links\"")));
    assert_true(
        span_find_span(text, SPAN(",200,\"'=1+1\",\"\"\"a\"\", b\",\"Start\",")) <
        text.len);
    text = file_text(&g, "pages.jsonl", &jsonl);
    assert_true(
        span_find_span(
            text,
            SPAN(
                "\"status\":200,\"title\":\"=1+1\",\"description\":\"\\\"a\\\", b\",\"h1\":"
                "\"Start\",\"canonical\":null,\"lang\":null,\"depth\":0,")) < text.len);
    text = file_text(&g, "links.tsv", &links);
    assert_true(span_starts(text, SPAN("src\tdst\tkind\trel\tanchor\n")));
    assert_true(span_find_span(text, SPAN("/gzip\ta\tnofollow\tpacked\n")) < text.len);
    assert_true(span_find_span(text, SPAN("/chunked\ta\t\tin pieces\n")) < text.len);
    buf_clear(&csv);
    buf_clear(&jsonl);
    buf_clear(&links);
    rig_close(&g);
}

static void a_dash_is_standard_output(void **state)
{
    struct rig g;

    (void)state;
    open_site(&g);
    assert_int_equal(CRAWL(&g, "-q"), 0);
    assert_int_equal(RUN(&g, "export", "--jsonl", "-"), 0);
    assert_true(span_starts(buf_span(&g.p.out), SPAN("{\"url\":\"http://127.0.0.1:")));
    assert_int_equal(g.p.err.len, 0);
    rig_close(&g);
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *args[6];
        int code;
        const char *said;
    } rows[] = {
        { { "export" }, 2, "name at least one of" },
        { { "export", "pages.csv" }, 2, "an option of its own" },
        { { "export", "--csv", "-", "--links", "-" }, 2, "into the same file" },
        { { "export", "--csv", "out.csv" }, 3, "crawl.db" },
        { { "export", "--cvs", "out.csv" }, 2, "csv" },
    };
    struct program p;

    (void)state;
    program_open(&p);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(program_run(&p, rows[i].args), rows[i].code);
        assert_true(program_said(&p, rows[i].said));
    }
    assert_int_equal(access(program_path(&p, "out.csv"), F_OK), -1);
    program_close(&p);
}

static void a_file_that_cannot_be_written_is_named(void **state)
{
    struct rig g;

    (void)state;
    open_site(&g);
    assert_int_equal(CRAWL(&g, "-q"), 0);
    assert_int_equal(RUN(&g, "export", "--csv", "/dev/full"), 3);
    assert_true(program_said(&g.p, "cannot write /dev/full: No space left on device"));
    assert_int_equal(RUN(&g, "export", "--links", "nowhere/links.tsv"), 3);
    assert_true(program_said(
        &g.p, "cannot write nowhere/links.tsv: No such file or directory"));
    rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_live_archive_has_every_exchange_as_it_was_received),
        cmocka_unit_test(a_page_with_the_same_bytes_refers_to_the_first),
        cmocka_unit_test(the_warcinfo_names_no_secret),
        cmocka_unit_test(an_archive_has_no_value_of_a_cookie),
        cmocka_unit_test(a_kill_loses_no_page_that_the_database_has),
        cmocka_unit_test(requests_wait_while_much_is_to_be_written),
        cmocka_unit_test(
            a_directory_that_cannot_be_had_ends_the_crawl_before_it_begins),
        cmocka_unit_test(a_write_error_stops_the_crawl_with_its_cause),
        cmocka_unit_test(stored_bodies_are_exported_decoded),
        cmocka_unit_test(what_max_size_cut_is_exported_as_far_as_it_came),
        cmocka_unit_test(a_page_without_a_body_gives_metadata),
        cmocka_unit_test(a_304_refers_to_the_fetch_before_it),
        cmocka_unit_test(a_damaged_body_is_named_and_the_rest_exported),
        cmocka_unit_test(pages_and_links_become_tables),
        cmocka_unit_test(a_dash_is_standard_output),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(a_file_that_cannot_be_written_is_named),
    };

    return cmocka_run_group_tests_name("flow/export", tests, NULL, NULL);
}
