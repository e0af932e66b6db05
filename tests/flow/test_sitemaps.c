/* SPDX-License-Identifier: MIT */
/*
 * Sitemaps through the whole program: which of those that robots.txt files name
 * are read, and what of them counts. sitemaps.org protocol, "Sitemaps & Cross Submits".
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <zlib.h>

#include "config/clock.h"
#include "tests/kit/nameserver.h"
#include "tests/kit/rig.h"

#define QUICK           "-q", "--delay", "0"
#define MAP(...)        TEXT_OF("<urlset>" __VA_ARGS__ "</urlset>")
#define ENTRY(on, path) "<url><loc>http://127.0.0." on ":$PORT" path "</loc></url>"

/*
 * As where http moves to https, or example.org to www: the first host's
 * robots.txt is the second's, and names a sitemap there before that host is known.
 */
static void the_sitemap_of_a_host_that_a_seed_moves_to_is_read(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt",
          .on = 1,
          .status = 301,
          .headers = "Location: http://127.0.0.2:$PORT/robots.txt\r\n" },
        { .path = "*",
          .on = 1,
          .status = 301,
          .headers = "Location: http://127.0.0.2:$PORT/\r\n" },
        { .path = "/robots.txt",
          .headers = PLAIN,
          TEXT_OF("Sitemap: http://127.0.0.2:$PORT/map.xml\n") },
        { .path = "/map.xml", .headers = XML, MAP(ENTRY("2", "/mapped")) },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, NULL }), 0);

    assert_int_equal(traffic_count(g.o, "127.0.0.2", "/map.xml"), 1);
    assert_string_equal(rig_url(&g, "%.2:%/mapped", "state || ' ' || hop"),
                        "fetched sitemap");
    assert_string_equal(program_text(&g.p, "SELECT outcome FROM sitemaps"), "urlset");
    rig_close(&g);
}

/* The same by a redirect of the sitemap itself. */
static void a_sitemap_that_moves_to_a_host_met_later_is_read(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/map.xml",
          .on = 1,
          .status = 301,
          .headers = "Location: http://127.0.0.2:$PORT/map.xml\r\n" },
        { .path = "/",
          .on = 1,
          .status = 301,
          .headers = "Location: http://127.0.0.2:$PORT/\r\n" },
        { .path = "/robots.txt",
          .headers = PLAIN,
          TEXT_OF("Sitemap: http://127.0.0.1:$PORT/map.xml\n") },
        { .path = "/map.xml", .headers = XML, MAP(ENTRY("2", "/mapped")) },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, NULL }), 0);

    assert_string_equal(rig_url(&g, "%.2:%/mapped", "state"), "fetched");
    rig_close(&g);
}

/* sitemaps.org allows 50 MB; what was received before --max-size cut it is as good as the rest. */
static void of_a_sitemap_over_max_size_the_part_that_came_counts(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("Sitemap: /map.xml\n") },
        { .path = "/map.xml",
          .headers = XML,
          MAP(ENTRY("1", "/a") ENTRY("1", "/b") ENTRY("1", "/c")) },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, "--max-size", "120", NULL }), 0);

    assert_string_equal(rig_url(&g, "%/a", "state"), "fetched");
    assert_string_equal(rig_url(&g, "%/c", "count(*)"), "0");
    assert_string_equal(
        program_text(&g.p, "SELECT level || substr(detail, instr(detail, ': ')) FROM"
                           " events WHERE event = 'sitemap-cut'"),
        "warn: cut by --max-size; the first 2 entries count");
    rig_close(&g);
}

/* RFC 6585 §4, RFC 9110 §10.2.3: the whole host waits, not the sitemap alone. */
static void a_sitemap_that_is_refused_for_a_while_stops_the_host(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("Sitemap: /map.xml\n") },
        { .path = "/map.xml", .status = 429, .headers = "Retry-After: 2\r\n" },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;
    int64_t refused;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/a\nhttp://127.0.0.1:$PORT/b\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "50ms",
                                               "--retries", "0", NULL }),
                     0);

    refused = rig_end_us(&g, NULL, "/map.xml", 0);
    assert_int_equal(traffic_count(g.o, NULL, NULL), 4);
    for (size_t i = 0; i < 4; i++)
        if (rig_start_us(&g, NULL, NULL, i) > refused)
            assert_true(rig_start_us(&g, NULL, NULL, i) >= refused + 2000000);
    assert_string_equal(rig_url(&g, "%/b", "state"), "fetched");
    rig_close(&g);
}

static void a_sitemap_that_asks_for_too_long_a_pause_defers_the_host(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt",
          .headers = PLAIN,
          .body = LIT("Sitemap: /map.xml\nSitemap: /other.xml\n") },
        { .path = "/map.xml", .status = 503, .headers = "Retry-After: 900\r\n" },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/a\nhttp://127.0.0.1:$PORT/b\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "50ms", NULL }), 0);

    assert_int_equal(traffic_count(g.o, NULL, "/other.xml"), 0);
    assert_string_equal(
        program_text(&g.p, "SELECT outcome FROM sitemaps WHERE url LIKE '%/other.xml'"),
        "deferred");
    assert_string_equal(rig_url(&g, "%/b", "reason"), "deferred");
    rig_close(&g);
}

/* Google's hreflang extension; each language should have an entry, but one may be forgotten. */
static void other_languages_of_an_entry_are_found(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt",
          .headers = PLAIN,
          .body = LIT("User-agent: *\nDisallow: /no\nSitemap: /map.xml\n") },
        { .path = "/map.xml",
          .headers = XML,
          MAP("<url><loc>http://127.0.0.1:$PORT/en</loc>"
              "<xhtml:link rel='alternate' hreflang='de' href='http://127.0.0.1:$PORT/de'/>"
              "<xhtml:link rel='alternate' hreflang='fr' href='http://127.0.0.1:$PORT/fr'/>"
              "<xhtml:link rel='alternate' hreflang='no' href='http://127.0.0.1:$PORT/no'/>"
              "<xhtml:link rel='alternate' hreflang='nl' href='http://127.0.0.2:$PORT/nl'/>"
              "</url>" ENTRY("1", "/fr")) },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, NULL }), 0);

    assert_string_equal(rig_url(&g, "%/de", "state || ' ' || hop || ' ' || depth"),
                        "fetched sitemap 1");
    assert_string_equal(rig_url(&g, "%/no", "reason"), "robots");
    assert_string_equal(rig_url(&g, "%/nl", "reason"), "scope");
    assert_int_equal(traffic_count(g.o, NULL, "/fr"), 1);
    assert_int_equal(traffic_count(g.o, "127.0.0.2", NULL), 0);
    assert_string_equal(program_text(&g.p, "SELECT entries FROM sitemaps"), "2");
    rig_close(&g);
}

/* RFC 9112 §9.3.1: a kept connection may go just when it is used again; as for a page, that is no answer. */
static void a_sitemap_lost_with_a_kept_connection_is_asked_for_again(void **state)
{
    static const struct origin_step gone[] = { { .kind = ORIGIN_CLOSE } };
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("Sitemap: /map.xml\n") },
        { .path = "/map.xml", .script = gone, .n_steps = 1, .uses = 1 },
        { .path = "/map.xml", .headers = XML, MAP(ENTRY("1", "/mapped")) },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "100ms", NULL }), 0);

    assert_int_equal(traffic_count(g.o, NULL, "/map.xml"), 2);
    assert_true(traffic_gap_us(g.o, "127.0.0.1") >= 100000);
    assert_string_equal(rig_url(&g, "%/mapped", "state"), "fetched");
    rig_close(&g);
}

/* One error of the server must not lose what only the sitemap names. */
static void a_sitemap_that_fails_for_once_is_asked_for_again(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt",
          .headers = PLAIN,
          .body = LIT("Sitemap: /map.xml\nSitemap: /gone.xml\n") },
        { .path = "/map.xml", .status = 500, .uses = 1 },
        { .path = "/map.xml", .headers = XML, MAP(ENTRY("1", "/mapped")) },
        { .path = "/gone.xml", .status = 404 },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "50ms", NULL }), 0);

    assert_int_equal(traffic_count(g.o, NULL, "/map.xml"), 2);
    assert_int_equal(traffic_count(g.o, NULL, "/gone.xml"), 1);
    assert_true(rig_start_us(&g, NULL, "/map.xml", 1) >=
                rig_end_us(&g, NULL, "/map.xml", 0) + 700000);
    assert_string_equal(rig_url(&g, "%/mapped", "state"), "fetched");
    rig_close(&g);
}

static void a_stop_does_not_wait_for_the_next_try_of_a_sitemap(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("Sitemap: /map.xml\n") },
        { .path = "/map.xml", .status = 502, .headers = "Retry-After: 60\r\n" },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;
    int64_t at;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "10ms", NULL });
    assert_true(traffic_wait(g.o, NULL, "/map.xml", 1));
    usleep(200000);
    at = clock_now_ns();
    program_signal(&g.p, SIGTERM);
    assert_int_equal(program_wait(&g.p), 143);
    assert_true(clock_now_ns() - at < 4 * NS_PER_S);
    rig_close(&g);
}

/* Also where all pages that are known are fetched, so that nothing is queued when the run goes on. */
static void sitemaps_that_a_kill_cut_short_are_read_by_the_next_start(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("Sitemap: /map.xml\n") },
        { .path = "/map.xml", .headers = XML, MAP(ENTRY("1", "/late")), .delay_ms = 60000, .uses = 1 },
        { .path = "/map.xml", .headers = XML, MAP(ENTRY("1", "/mapped")) },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    program_start_crawl(&g.p, ARGS{ "seeds.txt", QUICK, "--per-host", "2", NULL });
    assert_true(traffic_wait(g.o, NULL, "/map.xml", 1));
    for (int i = 0; i < 5000 && program_number(&g.p, "SELECT count(*) FROM pages") < 1; i++)
        usleep(2000);
    program_kill(&g.p);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'queued'"), 0);

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, NULL }), 0);
    assert_string_equal(rig_url(&g, "%/mapped", "state"), "fetched");
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM runs"), 1);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM meta WHERE name LIKE 'unread%'"), 0);
    rig_close(&g);
}

/* --- more sitemaps than anybody has ----------------------------------------------------------- */

#define INDEX_HOSTS   24
#define INDEX_ENTRIES 1000
#define LONG_PATH     4000

/* URLs of what no server has, and long ones: 4 MB. */
static void make_long_index(void *arg, const struct origin_request *r, int *io_status,
                            struct buf *out)
{
    (void)arg;
    (void)io_status;
    BUG_IF(buf_append(out, SPAN("<sitemapindex>")) != OK);
    for (int i = 0; i < INDEX_ENTRIES; i++)
        BUG_IF(buf_printf(out, "<sitemap><loc>http://%s/%0*d</loc></sitemap>", r->host,
                          LONG_PATH, i) != OK);
    BUG_IF(buf_append(out, SPAN("</sitemapindex>")) != OK);
}

/* All known pages were fetched; what the sitemap names nobody knows yet. */
static void a_limit_that_comes_before_the_sitemap_is_read_is_no_end(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("Sitemap: /slow.xml\n") },
        { .path = "/slow.xml",
          .headers = XML,
          .delay_ms = 500,
          TEXT_OF("<sitemapindex><sitemap><loc>http://127.0.0.1:$PORT/next.xml</loc></sitemap></sitemapindex>") },
        { .path = "/next.xml",
          .headers = XML,
          TEXT_OF("<urlset><url><loc>http://127.0.0.1:$PORT/only</loc></url></urlset>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--max-pages", "1", NULL }), 5);
    assert_string_equal(program_text(&g.p, "SELECT state FROM runs"), "stopped");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_string_equal(program_text(&g.p, "SELECT state FROM urls WHERE url LIKE '%/only'"), "fetched");
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM runs"), 1);
    rig_close(&g);
}

static void what_a_host_may_have_read_is_bounded(void **state)
{
    static const char LEFT_OUT[] = "SELECT count(*) FROM events WHERE event = 'sitemaps-left-out'";
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("Sitemap: /index.xml\n") },
        { .path = "/index.xml", .headers = XML, .generate = make_long_index },
        { .path = "/", .headers = HTML, .body = PAGE },
        { .path = "*", .status = 404 },
    };
    char seeds[INDEX_HOSTS * 40] = "";
    struct rig g;
    int64_t mib;

    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* its shadow is memory, too */
#endif
    for (int i = 1; i <= INDEX_HOSTS; i++)
        snprintf(seeds + strlen(seeds), 40, "http://127.0.0.%d:$PORT/\n", i);
    RIG_OPEN(&g, routes, INDEX_HOSTS, seeds);
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "100ms", "--max-memory", "64M", NULL });
    assert_true(traffic_wait(g.o, NULL, "/index.xml", INDEX_HOSTS));
    for (int i = 0; i < 600 && program_number(&g.p, LEFT_OUT) < INDEX_HOSTS; i++) /* each is written on its own time */
        usleep(100000);
    program_signal(&g.p, SIGTERM);
    mib = program_peak_mib(&g.p);
    program_wait(&g.p);

    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM sitemaps WHERE outcome = 'sitemapindex'"),
        INDEX_HOSTS);
    assert_int_equal(program_number(&g.p, LEFT_OUT), INDEX_HOSTS);
    print_message("    peak resident %d MiB\n", (int)mib);
    assert_true(mib < 150);
    rig_close(&g);
}

/* --- bodies that nobody reads -------------------------------------------------------------------- */

#define LAST_PAGE 12

static void make_chain(void *arg, const struct origin_request *r, int *io_status,
                       struct buf *out)
{
    int64_t n;

    (void)arg;
    (void)io_status;
    BUG_IF(!span_parse_i64(span_str(r->path + 2), &n));
    if (n < LAST_PAGE)
        BUG_IF(buf_printf(out, "<a href=/p%lld>next</a>", (long long)n + 1) != OK);
}

static void make_long_answer(void *arg, const struct origin_request *r, int *io_status,
                             struct buf *out)
{
    (void)r;
    (void)io_status;
    for (size_t i = 0; i < (size_t)(uintptr_t)arg; i++)
        BUG_IF(buf_append(out, SPAN("0123456789abcde\n")) != OK);
}

/* A redirect with so many KiB behind it, to a host whose robots.txt is still to come. */
#define LONG_REDIRECT(at, ms, kib)                                                    \
    {                                                                                 \
        .path = "/map.xml", .on = at, .delay_ms = ms, .status = 302,                  \
        .headers = "Location: http://127.0.0.5:$PORT/map.xml\r\n",                    \
        .generate = make_long_answer, .arg = (void *)(uintptr_t)((kib) * 64)          \
    }

/* They would fill the memory for bodies, and as long as it is full nobody is asked for a page. */
static void the_body_of_a_redirect_does_not_wait_for_its_target(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt",
          .on = 5,
          .status = 503,
          .headers = "Retry-After: 8\r\n",
          .uses = 1 },
        { .path = "/robots.txt", .on = 5, .headers = PLAIN },
        { .path = "/robots.txt", .on = 6, .status = 404 },
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("Sitemap: /map.xml\n") },
        LONG_REDIRECT(1, 0, 7900),
        LONG_REDIRECT(2, 700, 3900),
        LONG_REDIRECT(3, 1400, 1900),
        LONG_REDIRECT(4, 2100, 900),
        { .path = "/map.xml", .headers = XML, MAP("") },
        { .path = "/p*", .headers = HTML, .generate = make_chain },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 6,
             "http://127.0.0.1:$PORT/\nhttp://127.0.0.2:$PORT/\nhttp://127.0.0.3:$PORT/\n"
             "http://127.0.0.4:$PORT/\nhttp://127.0.0.5:$PORT/\n"
             "http://127.0.0.6:$PORT/p1\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "400ms",
                                               "--max-memory", "64M", NULL }),
                     0);

    assert_int_equal(traffic_count(g.o, "127.0.0.5", "/map.xml"), 4);
    assert_int_equal(traffic_count(g.o, "127.0.0.6", "/p*"), LAST_PAGE);
    assert_true(rig_start_us(&g, "127.0.0.6", "/p*", LAST_PAGE - 1) <
                rig_start_us(&g, "127.0.0.5", "/robots.txt", 1));
    rig_close(&g);
}

/* --- long headers -------------------------------------------------------------------------- */

#define N_HOPS      5 /* as many redirects as are followed */
#define FIELD_BYTES ((size_t)98000)
#define N_FIELDS    3

/* What an answer may have of header fields, at each of the hops: nothing of it may be missing at the end. */
static void a_sitemap_behind_redirects_with_long_headers_is_read(void **state)
{
    struct origin_route routes[N_HOPS + 3] = {
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("Sitemap: /map0\n") },
    };
    static const char map[] = "<urlset>" ENTRY("1", "/mapped") "</urlset>";
    char paths[N_HOPS + 1][16];
    struct buf headers[N_HOPS + 1];
    struct rig g;

    (void)state;
    for (int hop = 0; hop <= N_HOPS; hop++) {
        struct buf *h = &headers[hop];

        snprintf(paths[hop], sizeof paths[hop], "/map%d", hop);
        buf_init(h, (size_t)MIB);
        for (int i = 0; i < N_FIELDS; i++)
            BUG_IF(buf_printf(h, "X-Long-%d: %0*d\r\n", i, (int)FIELD_BYTES, hop) != OK);
        BUG_IF(hop < N_HOPS && buf_printf(h, "Location: /map%d\r\n", hop + 1) != OK);
        BUG_IF(buf_append(h, span_make(XML, sizeof XML)) != OK); /* with its end */
        routes[hop + 1] = (struct origin_route){ .path = paths[hop],
                                                 .headers = h->ptr,
                                                 .status = hop < N_HOPS ? 302 : 200,
                                                 .generate = hop < N_HOPS ? NULL : origin_text,
                                                 .arg = (void *)(uintptr_t)map };
    }
    routes[N_HOPS + 2] = (struct origin_route){ .path = "*", .headers = HTML, .body = PAGE };
    rig_open(&g, &(struct origin_options){ .routes = routes, .n_routes = N_HOPS + 3, .n_addresses = 1 },
             "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, NULL }), 0);

    assert_string_equal(program_text(&g.p, "SELECT outcome || ' ' || entries FROM sitemaps"), "urlset 1");
    assert_string_equal(rig_url(&g, "%/mapped", "state || ' ' || hop"), "fetched sitemap");
    for (int hop = 0; hop <= N_HOPS; hop++)
        assert_int_equal(traffic_count(g.o, NULL, paths[hop]), 1);
    rig_close(&g);
    for (int hop = 0; hop <= N_HOPS; hop++)
        buf_clear(&headers[hop]);
}

/* --- more than memory ------------------------------------------------------------------------ */

#define LARGE_HOSTS   10
#define LARGE_ENTRIES 3000
#define LARGE_PATH    8000 /* 24 MB of them, and next to nothing as they are sent */

static struct span make_large_map(struct buf *out)
{
    z_stream z = { 0 };
    struct buf text;

    buf_init(&text, 64 * MIB);
    BUG_IF(buf_append(&text, SPAN("<urlset>")) != OK);
    for (int i = 0; i < LARGE_ENTRIES; i++)
        BUG_IF(buf_printf(&text, "<url><loc>http://127.0.0.1/%0*d</loc></url>", LARGE_PATH,
                          i) != OK);
    BUG_IF(buf_append(&text, SPAN("</urlset>")) != OK);
    buf_init(out, (size_t)MIB);
    BUG_IF(buf_reserve(out, (size_t)MIB) != OK);
    z.next_in = (unsigned char *)text.ptr;
    z.avail_in = (unsigned)text.len;
    z.next_out = (unsigned char *)out->ptr;
    z.avail_out = (unsigned)MIB;
    BUG_IF(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK);
    BUG_IF(deflate(&z, Z_FINISH) != Z_STREAM_END);
    out->len = z.total_out;
    deflateEnd(&z);
    buf_clear(&text);
    return buf_span(out);
}

/* Another program writes meanwhile, and ours waits. */
static void hold_up_the_writer(struct program *p, unsigned seconds)
{
    sqlite3 *db;

    BUG_IF(sqlite3_open(program_path(p, "crawl.db"), &db) != SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    BUG_IF(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK);
    sleep(seconds);
    sqlite3_close(db);
}

static void few_sitemaps_wait_in_memory_for_the_database(void **state)
{
    struct buf body;
    const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("Sitemap: /map.xml\n") },
        { .path = "/map.xml",
          .headers = XML "Content-Encoding: gzip\r\n",
          .delay_ms = 1000,
          .body = make_large_map(&body) },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    char seeds[LARGE_HOSTS * 40] = "";
    struct rig g;
    int64_t mib;

    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    buf_clear(&body);
    skip(); /* its shadow is memory, too */
#endif
    for (int i = 1; i <= LARGE_HOSTS; i++)
        snprintf(seeds + strlen(seeds), 40, "http://127.0.0.%d:$PORT/\n", i);
    RIG_OPEN(&g, routes, LARGE_HOSTS, seeds);
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--max-memory", "64M",
                                    NULL });
    assert_true(traffic_wait(g.o, NULL, "/map.xml", LARGE_HOSTS));
    hold_up_the_writer(&g.p, 6);
    program_signal(&g.p, SIGINT);
    mib = program_peak_mib(&g.p);
    program_wait(&g.p);

    print_message("    peak resident %d MiB\n", (int)mib);
    assert_true(mib < 110);
    buf_clear(&body);
    rig_close(&g);
}

/* A name with the root's dot is the same host: it has one robots.txt, and its sitemaps are its own. */
static void a_host_with_and_without_its_last_dot_is_one(void **state)
{
    static const struct nameserver_record names[] = { { .name = "loop.test", .addresses = "127.0.0.1", .ttl_s = 60 } };
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, TEXT_OF("Sitemap: http://loop.test:$PORT/map.xml\n") },
        { .path = "/map.xml",
          .headers = XML,
          TEXT_OF("<urlset><url><loc>http://loop.test:$PORT/mapped</loc></url></urlset>") },
        { .path = "/", .headers = HTML, TEXT_OF("<a href=http://loop.test:$PORT/plain>p</a><a href=/dotted>d</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct nameserver *ns = nameserver_start(names, ARRAY_LEN(names));
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://loop.test.:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--dns", nameserver_text(ns), NULL }),
                     0);
    assert_int_equal(traffic_count(g.o, NULL, "/robots.txt"), 1);
    assert_int_equal(traffic_count(g.o, NULL, "/mapped"), 1);
    assert_int_equal(traffic_count(g.o, NULL, "/plain"), 1);
    assert_int_equal(traffic_count(g.o, NULL, "/dotted"), 1);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM hosts"), 1);
    assert_string_equal(program_text(&g.p, "SELECT outcome FROM sitemaps"), "urlset");
    rig_close(&g);
    nameserver_stop(ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sitemap_of_a_host_that_a_seed_moves_to_is_read),
        cmocka_unit_test(a_sitemap_that_moves_to_a_host_met_later_is_read),
        cmocka_unit_test(of_a_sitemap_over_max_size_the_part_that_came_counts),
        cmocka_unit_test(other_languages_of_an_entry_are_found),
        cmocka_unit_test(a_sitemap_lost_with_a_kept_connection_is_asked_for_again),
        cmocka_unit_test(a_sitemap_that_fails_for_once_is_asked_for_again),
        cmocka_unit_test(a_stop_does_not_wait_for_the_next_try_of_a_sitemap),
        cmocka_unit_test(a_sitemap_that_is_refused_for_a_while_stops_the_host),
        cmocka_unit_test(a_sitemap_that_asks_for_too_long_a_pause_defers_the_host),
        cmocka_unit_test(sitemaps_that_a_kill_cut_short_are_read_by_the_next_start),
        cmocka_unit_test(a_limit_that_comes_before_the_sitemap_is_read_is_no_end),
        cmocka_unit_test(what_a_host_may_have_read_is_bounded),
        cmocka_unit_test(the_body_of_a_redirect_does_not_wait_for_its_target),
        cmocka_unit_test(a_sitemap_behind_redirects_with_long_headers_is_read),
        cmocka_unit_test(few_sitemaps_wait_in_memory_for_the_database),
        cmocka_unit_test(a_host_with_and_without_its_last_dot_is_one),
    };

    return cmocka_run_group_tests_name("flow/sitemaps", tests, NULL, NULL);
}
