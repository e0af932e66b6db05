/* SPDX-License-Identifier: MIT */
/*
 * Limits of the whole program, exact at 0, 1 and n.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "config/clock.h"
#include "config/mem.h"
#include "tests/kit/rig.h"

/* Home links to a and b, a to a2 and to a page that is not there, a2 to a3, a3 to a4. */
static const struct origin_route tree[] = {
    NO_ROBOTS,
    { .path = "/",
      .headers = HTML,
      .body = LIT("<title>Home</title><a href=/a>a</a><a href=/b>b</a>") },
    { .path = "/a",
      .headers = HTML,
      .body = LIT("<title>A</title><a href=/a2>a2</a><a href=/gone>gone</a>") },
    { .path = "/a2",
      .headers = HTML,
      .body = LIT("<title>A2</title><a href=/a3>a3</a>") },
    { .path = "/a3",
      .headers = HTML,
      .body = LIT("<title>A3</title><a href=/a4>a4</a>") },
    { .path = "/a4", .headers = HTML, .body = PAGE },
    { .path = "/b", .headers = HTML, .body = PAGE },
};

static int64_t done_urls(struct rig *g)
{
    return program_number(
        &g->p, "SELECT count(*) FROM urls WHERE state IN ('fetched', 'not_modified')");
}

/* --- pages ---------------------------------------------------------------------------------- */

static void max_pages_is_exact(void **state)
{
    static const struct {
        const char *n;
        int exit_code, pages;
    } rows[] = { { "0", 5, 0 }, { "1", 5, 1 }, { "3", 5, 3 },
                 { "6", 5, 6 }, { "7", 0, 7 }, { "8", 0, 7 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rig g;

        RIG_OPEN(&g, tree, 1, "http://127.0.0.1:$PORT/\n");
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--per-host", "8",
                                  "-n", rows[i].n, NULL });
        assert_int_equal(g.p.exit_code, rows[i].exit_code);
        assert_int_equal(done_urls(&g), rows[i].pages);
        assert_int_equal(traffic_count(g.o, NULL, NULL),
                         rows[i].pages ? rows[i].pages + 1 : 0);
        rig_close(&g);
    }
}

static void max_pages_is_exact_with_many_in_flight(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/x*", .status = 500 }, /* tried and given back, then counted */
        { .path = "*", .headers = HTML, .body = PAGE, .delay_ms = 30 },
    };
    char seeds[4096];
    struct rig g;
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 60; i++)
        n += (size_t)snprintf(seeds + n, sizeof seeds - n,
                              "http://127.0.0.%d:$PORT/%s%d\n", i % 20 + 1,
                              i % 7 ? "" : "x", i);
    RIG_OPEN(&g, routes, 20, seeds);

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--per-host", "3", "-n", "17", NULL }),
                     5);

    assert_int_equal(done_urls(&g), 17);
    assert_string_equal(
        program_text(&g.p, "SELECT state || ' ' || stop_reason FROM runs"),
        "stopped max-pages");
    rig_close(&g);
}

static void every_start_after_exit_5_has_a_fresh_budget(void **state)
{
    const char *const *args =
        ARGS{ "seeds.txt", "-q", "--delay", "0", "-n", "3", NULL };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, tree, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, args), 5);
    assert_int_equal(done_urls(&g), 3);
    assert_int_equal(program_crawl(&g.p, args), 5);
    assert_int_equal(done_urls(&g), 6);
    assert_int_equal(program_crawl(&g.p, args), 0);
    assert_int_equal(done_urls(&g), 7);
    assert_int_equal(traffic_most_of_one(g.o, NULL, NULL), 1);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM runs"), 1);
    rig_close(&g);
}

static void after_a_kill_the_rest_of_the_budget_counts(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "*", .headers = HTML, .body = PAGE, .delay_ms = 20 },
    };
    const char *const *args =
        ARGS{ "seeds.txt", "-q", "--delay", "50ms", "-n", "8", NULL };
    char seeds[1024];
    struct rig g;
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 20; i++)
        n += (size_t)snprintf(seeds + n, sizeof seeds - n,
                              "http://127.0.0.1:$PORT/%d\n", i);
    RIG_OPEN(&g, routes, 1, seeds);
    program_start_crawl(&g.p, args);
    assert_true(traffic_wait(g.o, NULL, NULL, 5));
    while (program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'fetched'") <
           3)
        usleep(2000);
    program_kill(&g.p);

    assert_int_equal(program_crawl(&g.p, args), 5);

    assert_int_equal(done_urls(&g), 8);
    rig_close(&g);
}

static void host_limit_excludes_the_rest_and_finishes(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML,
          .body = LIT(
              "<a href=/1>1</a><a href=/2>2</a><a href=/3>3</a><a href=/4>4</a><a href=/5>5</a>") },
        { .path = "/1", .status = 302, .headers = "Location: /9\r\n" },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    const char *const *args =
        ARGS{ "seeds.txt", "-q", "--delay", "0", "--max-pages-per-host", "3", NULL };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.1:$PORT/\nhttp://127.0.0.2:$PORT/a\n");

    assert_int_equal(program_crawl(&g.p, args), 0);

    assert_int_equal(traffic_count(g.o, "127.0.0.1", NULL), 4);
    assert_int_equal(traffic_count(g.o, "127.0.0.2", NULL), 2);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE reason = 'host_limit'"),
        4);
    assert_string_equal(
        program_text(&g.p,
                     "SELECT DISTINCT rule FROM urls WHERE reason = 'host_limit'"),
        "--max-pages-per-host");

    /* The count is of a run: the next one begins anew, and what was left out has its turn. */
    assert_int_equal(program_crawl(&g.p, ARGS{ "-q", "--delay", "0",
                                               "--max-pages-per-host", "50", NULL }),
                     0);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE reason = 'host_limit'"),
        0);
    rig_close(&g);
}

static void host_limit_of_zero_asks_nobody(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, tree, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--max-pages-per-host", "0", NULL }),
                     0);
    assert_int_equal(traffic_count(g.o, NULL, "/"), 0);
    assert_string_equal(rig_url(&g, "%", "state || ' ' || reason"),
                        "excluded host_limit");
    rig_close(&g);
}

static void host_limit_holds_across_a_kill(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(
        &g, routes, 1,
        "http://127.0.0.1:$PORT/1\nhttp://127.0.0.1:$PORT/2\nhttp://127.0.0.1:$PORT/3\nhttp://127.0.0.1:$PORT/4\n");
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "300ms", NULL });
    assert_true(traffic_wait(g.o, NULL, "/2", 1));
    while (program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'fetched'") <
           2)
        usleep(2000);
    program_kill(&g.p);

    /* It has had its share already. */
    assert_int_equal(program_crawl(&g.p, ARGS{ "-q", "--delay", "100ms",
                                               "--max-pages-per-host", "2", NULL }),
                     0);
    assert_int_equal(traffic_count(g.o, NULL, "/3") + traffic_count(g.o, NULL, "/4"),
                     0);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE reason = 'host_limit'"),
        2);
    rig_close(&g);
}

/* --- depth -------------------------------------------------------------------------------------- */

static void depth_is_exact(void **state)
{
    static const struct {
        const char *depth;
        int pages;
        const char *beyond;
    } rows[] = {
        { "0", 1, "/a" }, { "1", 3, "/a2" }, { "2", 5, "/a3" }, { "9", 7, NULL }
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rig g;

        RIG_OPEN(&g, tree, 1, "http://127.0.0.1:$PORT/\n");
        assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                                   "-d", rows[i].depth, NULL }),
                         0);
        assert_int_equal(done_urls(&g), rows[i].pages);
        assert_int_equal(traffic_count(g.o, NULL, NULL), rows[i].pages + 1);
        if (rows[i].beyond) {
            char pattern[32], rule[32];

            snprintf(pattern, sizeof pattern, "%%%s", rows[i].beyond);
            snprintf(rule, sizeof rule, "depth --depth %s", rows[i].depth);
            assert_string_equal(rig_url(&g, pattern, "reason || ' ' || rule"), rule);
        }
        rig_close(&g);
    }
}

/*
 * /deep is found at depth 4 first; a slow page then links to it at depth 2.
 * What lies behind it comes into reach without asking for it again.
 */
static const struct origin_route shortcut[] = {
    NO_ROBOTS,
    { .path = "/",
      .headers = HTML,
      .body = LIT("<a href=/slow>s</a><a href=/1>1</a>") },
    { .path = "/slow",
      .headers = HTML,
      .body = LIT("<a href=/4>short cut</a>"),
      .delay_ms = 700 },
    { .path = "/1", .headers = HTML, .body = LIT("<a href=/2>2</a>") },
    { .path = "/2", .headers = HTML, .body = LIT("<a href=/3>3</a>") },
    { .path = "/3", .headers = HTML, .body = LIT("<a href=/4>4</a>") },
    { .path = "/4", .headers = HTML, .body = LIT("<a href=/5>5</a>") },
    { .path = "/5", .headers = HTML, .body = LIT("<a href=/6>6</a>") },
    { .path = "*", .headers = HTML, .body = PAGE },
};

static void shorter_way_found_later_opens_what_lies_behind(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, shortcut, 1, "http://127.0.0.1:$PORT/\n");

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--per-host", "4", "-d", "4", NULL }),
                     0);

    assert_int_equal(
        program_number(&g.p, "SELECT depth FROM urls WHERE url LIKE '%/4'"), 2);
    assert_int_equal(
        program_number(&g.p, "SELECT depth FROM urls WHERE url LIKE '%/5'"), 3);
    assert_int_equal(
        program_number(&g.p, "SELECT depth FROM urls WHERE url LIKE '%/6'"), 4);
    assert_int_equal(done_urls(&g), 8);
    assert_int_equal(traffic_most_of_one(g.o, NULL, NULL), 1);
    rig_close(&g);
}

/* /4 is found at depth 4, at 2 while it is asked for, and at 1 when it is done: then its links rise once more. */
static const struct origin_route two_shortcuts[] = {
    NO_ROBOTS,
    { .path = "/", .headers = HTML, .body = LIT("<a href=/slow>s</a><a href=/1>1</a>") },
    { .path = "/seed", .headers = HTML, .body = LIT("<a href=/4>shorter still</a>"), .delay_ms = 1500 },
    { .path = "/slow", .headers = HTML, .body = LIT("<a href=/4>short cut</a>"), .delay_ms = 400 },
    { .path = "/1", .headers = HTML, .body = LIT("<a href=/2>2</a>") },
    { .path = "/2", .headers = HTML, .body = LIT("<a href=/3>3</a>") },
    { .path = "/3", .headers = HTML, .body = LIT("<a href=/4>4</a>") },
    { .path = "/4", .headers = HTML, .body = LIT("<a href=/5>5</a>"), .delay_ms = 800 },
    { .path = "/5", .headers = HTML, .body = LIT("<a href=/6>6</a>") },
    { .path = "/6", .headers = HTML, .body = LIT("<a href=/7>7</a>") },
    { .path = "*", .headers = HTML, .body = PAGE },
};

static void a_page_that_rises_while_it_is_asked_for_can_rise_again(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, two_shortcuts, 1, "http://127.0.0.1:$PORT/\nhttp://127.0.0.1:$PORT/seed\n");

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--per-host", "8", "-d", "4", NULL }),
                     0);

    assert_string_equal(rig_url(&g, "%/4", "depth || ' ' || state"), "1 fetched");
    assert_string_equal(rig_url(&g, "%/5", "depth || ' ' || state"), "2 fetched");
    assert_string_equal(rig_url(&g, "%/6", "depth || ' ' || state"), "3 fetched");
    assert_string_equal(rig_url(&g, "%/7", "depth || ' ' || state"), "4 fetched");
    rig_close(&g);
}

/* What is linked only by pages that bar it stays out, also where it was too deep before. */
static const struct origin_route barred_shortcut[] = {
    NO_ROBOTS,
    { .path = "/", .headers = HTML, .body = LIT("<a href=/slow>s</a><a href=/1>1</a>") },
    { .path = "/slow", .headers = HTML, .body = LIT("<a href=/2>short cut</a><a href=/lost>l</a>"), .delay_ms = 700 },
    { .path = "/1", .headers = HTML, .body = LIT("<a href=/1b>1b</a>") },
    { .path = "/1b", .headers = HTML, .body = LIT("<a href=/2>2</a><a href=/lost>l</a>") },
    { .path = "/2",
      .headers = HTML,
      .body = LIT("<meta name=robots content=nofollow><a href=/by-nofollow>3</a><form action=/by-form></form>") },
    { .path = "/lost", .status = 404, .headers = HTML, .body = LIT("<a href=/by-error>e</a><img src=/by-image>") },
    { .path = "*", .headers = HTML, .body = PAGE },
};

static void a_shorter_way_opens_nothing_that_is_barred(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, barred_shortcut, 1, "http://127.0.0.1:$PORT/\n");

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--per-host", "4", "-d", "3", NULL }),
                     0);

    assert_string_equal(rig_url(&g, "%/2", "depth || ' ' || state"), "2 fetched");
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE url LIKE '%/by-%'"), 4);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE url LIKE '%/by-%' AND state = 'excluded'"), 4);
    rig_close(&g);
}

static void depth_counts_redirects_as_nothing_and_sitemaps_as_one(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("Sitemap: /map.xml\n") },
        { .path = "/map.xml",
          .headers = XML,
          TEXT_OF(
              "<urlset><url><loc>http://127.0.0.1:$PORT/mapped</loc></url></urlset>") },
        MOVED_TO("/", "/hop"),
        MOVED_TO("/hop", "/home"),
        { .path = "/home",
          .headers = HTML,
          .body = LIT("<a href=/linked>l</a><a href=/feed>feed</a>") },
        { .path = "/feed",
          .headers = "Content-Type: application/rss+xml\r\n",
          TEXT_OF(
              "<rss version='2.0'><channel><title>F</title><item><link>http://127.0.0.1:$PORT/story</link></item></channel></rss>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_string_equal(
        rig_url(&g, "%/home", "depth || ' ' || redirects || ' ' || hop"),
        "0 2 redirect");
    assert_string_equal(rig_url(&g, "%/linked", "depth || ' ' || hop"), "1 link");
    assert_string_equal(rig_url(&g, "%/mapped", "depth || ' ' || hop"), "1 sitemap");
    assert_string_equal(rig_url(&g, "%/feed", "depth || ' ' || state"), "1 fetched");
    assert_string_equal(rig_url(&g, "%/story", "depth || ' ' || hop"), "1 feed");
    rig_close(&g);
}

/* --- bytes, time, redirects ------------------------------------------------------------------------ */

static char kilobyte[1024];

static void max_bytes_starts_no_request_beyond_the_sum(void **state)
{
    struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "*", .headers = HTML, .body = { kilobyte, sizeof kilobyte } },
    };
    char seeds[1024];
    struct rig g;
    size_t n = 0;

    (void)state;
    memset(kilobyte, 'x', sizeof kilobyte);
    for (int i = 0; i < 10; i++)
        n += (size_t)snprintf(seeds + n, sizeof seeds - n,
                              "http://127.0.0.1:$PORT/%d\n", i);
    RIG_OPEN(&g, routes, 1, seeds);
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--max-bytes", "0", NULL }),
                     5);
    assert_int_equal(traffic_count(g.o, NULL, NULL), 0);
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--max-bytes", "3000", NULL }),
                     5);
    assert_int_equal(done_urls(&g), 3);
    assert_string_equal(program_text(&g.p, "SELECT stop_reason FROM runs"),
                        "max-bytes");
    rig_close(&g);
}

static void max_time_stops_and_the_next_start_goes_on(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "*", .headers = HTML, .body = PAGE, .delay_ms = 50 },
    };
    char seeds[1024];
    int64_t started, took;
    struct rig g;
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 20; i++)
        n += (size_t)snprintf(seeds + n, sizeof seeds - n,
                              "http://127.0.0.1:$PORT/%d\n", i);
    RIG_OPEN(&g, routes, 1, seeds);
    started = clock_now_ns();
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "50ms",
                                               "--max-time", "800ms", NULL }),
                     5);
    took = (clock_now_ns() - started) / NS_PER_MS;
    assert_in_range(took, 800, 20000);
    assert_string_equal(program_text(&g.p, "SELECT stop_reason FROM runs"), "max-time");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_int_equal(done_urls(&g), 20);
    assert_int_equal(traffic_most_of_one(g.o, NULL, NULL), 1);
    rig_close(&g);
}

static void redirect_limit_fails_the_url_that_would_exceed_it(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        MOVED_TO("/1", "/2"),
        MOVED_TO("/2", "/3"),
        MOVED_TO("/3", "/4"),
        MOVED_TO("/ring", "/ring2"),
        MOVED_TO("/ring2", "/ring"),
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/1\nhttp://127.0.0.1:$PORT/ring\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--max-redirects", "2", NULL }),
                     0);
    assert_string_equal(rig_url(&g, "%/2", "state || ' ' || redirects"), "fetched 1");
    assert_string_equal(
        rig_url(&g, "%/3", "state || ' ' || reason || ' ' || redirects"),
        "failed redirect_limit 2");
    assert_int_equal(traffic_count(g.o, NULL, "/4"), 0);
    assert_string_equal(
        program_text(
            &g.p,
            "SELECT f.outcome FROM fetches f JOIN urls u ON u.id = f.url_id WHERE u.url LIKE '%/3'"),
        "redirect_limit");
    assert_int_equal(traffic_count(g.o, NULL, "/ring*"), 2);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM redirects"), 4);
    assert_string_equal(rig_url(&g, "%/ring", "state"), "fetched");

    /* The limit survives a restart: with one more, the chain ends. */
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "-q", "--delay", "0", "--max-redirects", "3", NULL }),
        0);
    assert_int_equal(traffic_count(g.o, NULL, "/4"), 1);
    assert_string_equal(rig_url(&g, "%/4", "state || ' ' || redirects || ' ' || depth"),
                        "fetched 3 0");
    rig_close(&g);
}

/* "Location: " and a URL of n labels, each of 60 letters, behind head. */
static char *location_of(const char *head, char separator, size_t n, const char *tail)
{
    struct buf text;
    char *out;

    buf_init(&text, MIB);
    BUG_IF(buf_printf(&text, "Location: %s", head));
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < 60; k++)
            BUG_IF(buf_append_byte(&text, 'a'));
        BUG_IF(buf_append_byte(&text, separator));
    }
    BUG_IF(buf_printf(&text, "%s\r\n", tail));
    out = mem_str_copy(buf_span(&text));
    buf_clear(&text);
    return out;
}

/* 70 KB of them, as libcurl lets through: a seed's redirect, and two of robots.txt. */
static void a_redirect_of_any_length_ends_no_crawl(void **state)
{
    char *path = location_of("/", '-', 1150, "/"),
         *port = location_of("http://", '.', 400, "test:8080/robots.txt"),
         *host = location_of("http://", '.', 1150, "test/robots.txt"),
         *seed = location_of("http://", '.', 1150, "test/");
    const struct origin_route routes[] = {
        { .path = "/robots.txt", .on = 2, .status = 302, .headers = port },
        { .path = "/robots.txt", .on = 3, .status = 302, .headers = host },
        NO_ROBOTS,
        { .path = "/path", .status = 302, .headers = path },
        { .path = "/host", .status = 302, .headers = seed },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 3,
             "http://127.0.0.1:$PORT/path\nhttp://127.0.0.1:$PORT/host\nhttp://127.0.0.1:$PORT/page\n"
             "http://127.0.0.2:$PORT/\nhttp://127.0.0.3:$PORT/\n");
    for (int i = 0; i < 2; i++) { /* the second reads from the file what the first has met */
        assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
        assert_int_equal(done_urls(&g), 3);
        assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE reason = 'url_too_long'"), 2);
        assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE rule = "
                                              "'robots.txt: redirect to too long an address'"),
                         2);
    }
    rig_close(&g);
    mem_free(path);
    mem_free(port);
    mem_free(host);
    mem_free(seed);
}

/* No server has a name of 305 bytes, but whoever writes a page may, and every --scope has a way there. */
static void a_host_of_any_length_ends_no_crawl(void **state)
{
    static const char *const scopes[] = { "any", "host" };
    char *seed = location_of("http://", '.', 5, "test/");
    char page[512];
    const int len = snprintf(page, sizeof page, "<a href='%.*s'>x</a>", (int)strcspn(seed + 10, "\r"), seed + 10);
    const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/hop", .status = 302, .headers = seed },
        { .path = "*", .headers = HTML, .body = { page, (size_t)len } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
        struct rig g;

        RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\nhttp://127.0.0.1:$PORT/hop\n");
        assert_int_equal(
            program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--scope", scopes[i], NULL }), 0);
        assert_string_equal(rig_url(&g, "http://aaa%", "state || ' ' || reason || ' ' || rule"),
                            "excluded url_too_long host longer than 255 bytes");
        assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 0);
        rig_close(&g);
    }
    mem_free(seed);
}

static void large_or_not_modified(void *arg, const struct origin_request *r, int *io_status,
                                  struct buf *out)
{
    (void)arg;
    if (strstr(r->headers, "If-None-Match")) {
        *io_status = 304;
        return;
    }
    BUG_IF(buf_append(out, SPAN("<title>Large</title>")));
    for (int i = 0; i < 2000; i++)
        BUG_IF(buf_append(out, SPAN("<p>text text</p>")));
    BUG_IF(buf_append(out, SPAN("<a href=/last>last</a>")));
}

/* A 304 would confirm the part that a smaller limit left. */
static void a_page_that_was_cut_is_read_whole_under_a_larger_limit(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML "ETag: \"1\"\r\n",
          .generate = large_or_not_modified },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--max-size", "10k", NULL }),
                     0);
    assert_int_equal(traffic_count(g.o, NULL, "/last"), 0);
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_string_equal(rig_url(&g, "%/last", "state"), "fetched");
    rig_close(&g);
}

static void gzip_of_much_of_the_same(void *arg, const struct origin_request *r, int *io_status, struct buf *out)
{
    static char same[3 << 20];
    static unsigned char packed[16 << 10];
    z_stream z = { .next_in = (unsigned char *)same,
                   .avail_in = sizeof same,
                   .next_out = packed,
                   .avail_out = sizeof packed };

    (void)arg;
    (void)r;
    (void)io_status;
    memset(same, 'x', sizeof same);
    BUG_IF(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK);
    BUG_IF(deflate(&z, Z_FINISH) != Z_STREAM_END);
    BUG_IF(buf_append(out, span_make((const char *)packed, sizeof packed - z.avail_out)));
    BUG_IF(deflateEnd(&z) != Z_OK);
}

/* --max-size is not to blame for what the limit of bombs cut, nor the other way round. */
static void the_limit_that_cut_a_coded_page_is_named(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/", .headers = HTML "Content-Encoding: gzip\r\n", .generate = gzip_of_much_of_the_same },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--max-size", "500k", NULL }), 0);
    assert_string_equal(program_text(&g.p, "SELECT group_concat(outcome || ': ' || error, '; ') FROM fetches"),
                        "too_large: decoded body over 200 times what was sent; "
                        "too_large: decoded body over --max-size");
    rig_close(&g);
}

#define MOST_LINKS 100000

static void make_one_link_too_many(void *arg, const struct origin_request *r, int *io_status, struct buf *out)
{
    (void)arg;
    (void)r;
    (void)io_status;
    for (int i = 0; i <= MOST_LINKS; i++)
        BUG_IF(buf_append(out, SPAN("<a href=/>x</a>")));
}

static void of_more_links_than_a_page_may_have_the_first_count_and_an_event_says_so(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "*", .headers = HTML, .generate = make_one_link_too_many },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM links"), MOST_LINKS);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM events WHERE event = 'links-cut'"), 1);
    rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(max_pages_is_exact),
        cmocka_unit_test(max_pages_is_exact_with_many_in_flight),
        cmocka_unit_test(every_start_after_exit_5_has_a_fresh_budget),
        cmocka_unit_test(after_a_kill_the_rest_of_the_budget_counts),
        cmocka_unit_test(host_limit_excludes_the_rest_and_finishes),
        cmocka_unit_test(host_limit_of_zero_asks_nobody),
        cmocka_unit_test(host_limit_holds_across_a_kill),
        cmocka_unit_test(depth_is_exact),
        cmocka_unit_test(shorter_way_found_later_opens_what_lies_behind),
        cmocka_unit_test(a_page_that_rises_while_it_is_asked_for_can_rise_again),
        cmocka_unit_test(a_shorter_way_opens_nothing_that_is_barred),
        cmocka_unit_test(depth_counts_redirects_as_nothing_and_sitemaps_as_one),
        cmocka_unit_test(max_bytes_starts_no_request_beyond_the_sum),
        cmocka_unit_test(max_time_stops_and_the_next_start_goes_on),
        cmocka_unit_test(a_page_that_was_cut_is_read_whole_under_a_larger_limit),
        cmocka_unit_test(the_limit_that_cut_a_coded_page_is_named),
        cmocka_unit_test(of_more_links_than_a_page_may_have_the_first_count_and_an_event_says_so),
        cmocka_unit_test(redirect_limit_fails_the_url_that_would_exceed_it),
        cmocka_unit_test(a_redirect_of_any_length_ends_no_crawl),
        cmocka_unit_test(a_host_of_any_length_ends_no_crawl),
    };

    return cmocka_run_group_tests_name("flow/limits", tests, NULL, NULL);
}
