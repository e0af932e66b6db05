/* SPDX-License-Identifier: MIT */
/*
 * crawl plan: what it asks for, what it counts, and where it says that it does not know.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/kit/rig.h"

#define URL(path) "<url><loc>http://127.0.0.1:$PORT" path "</loc></url>"

static const struct origin_route routes[] = {
    { .path = "/robots.txt",
      .on = 1,
      .headers = PLAIN,
      TEXT_OF("User-agent: *\nDisallow: /private\nCrawl-delay: 1\n"
              "Sitemap: http://127.0.0.1:$PORT/index.xml\n") },
    { .path = "/robots.txt", .on = 2, .status = 404 },
    { .path = "/robots.txt", .on = 3, .status = 503 },
    { .path = "/index.xml",
      .headers = XML,
      TEXT_OF("<sitemapindex><sitemap><loc>http://127.0.0.1:$PORT/1.xml</loc></sitemap>"
              "<sitemap><loc>http://127.0.0.2:$PORT/2.xml</loc></sitemap>"
              "</sitemapindex>") },
    { .path = "/1.xml",
      .headers = XML,
      TEXT_OF("<urlset>" URL("/") URL("/a") URL("/a#x") URL("/private/b") URL(
          "/no.zip") "<url><loc>http://elsewhere.test/</loc>"
                     "<xhtml:link rel='alternate' href='http://127.0.0.1:$PORT/de'/>"
                     "<xhtml:link rel='alternate' href='http://127.0.0.1:$PORT/a'/>"
                     "</url></urlset>") },
    { .path = "*",
      .headers = HTML,
      .body = LIT("<title>Page</title><a href=/a>a</a>") },
};

static const char seeds[] =
    "http://127.0.0.1:$PORT/\nhttp://127.0.0.1:$PORT/private/x\n"
    "http://127.0.0.2:$PORT/\nhttp://127.0.0.3:$PORT/\n";

/* The numbers of the nth line: host is cut off. */
static const char *line_of(struct rig *g, int n)
{
    static char text[512];
    struct span rest = buf_span(&g->p.out), line = SPAN_NONE;

    for (int i = 0; i <= n; i++)
        assert_true(span_split(&rest, '\n', &line));
    line = span_skip(line, span_find(line, '\t') + 1);
    snprintf(text, sizeof text, "%.*s", SPAN_ARG(line));
    return text;
}

static void robots_and_sitemaps_are_read_and_no_page(void **state)
{
    const struct origin_request *r;
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 3, seeds);
    assert_int_equal(
        program_run(&g.p, ARGS{ "plan", "--format", "tsv", "--allow-net", "127.0.0.0/8",
                                "--delay", "500ms", "--exclude", "\\.zip$", "seeds.txt",
                                NULL }),
        0);
    /* / stands in the sitemap too, beside /a and /de: three pages, a second each. */
    assert_string_equal(line_of(&g, 1),
                        "rules\t1\t1\t1\t2\t3\t\t\t3\tsitemaps\t\tunknown\t3");
    assert_string_equal(line_of(&g, 2),
                        "none\t1\t0\t0.5\t0\t0\t\t\t1\tseeds only: at least"
                        "\t\tunknown\t0.5");
    assert_string_equal(line_of(&g, 3), "unreachable\t0\t1\t0.5\t0\t0\t\t\t0\t"
                                        "no seed is allowed\t0\tno page\t0");
    assert_string_equal(line_of(&g, 4), "\t\t\t\t\t\t\t\t4\t\t\t\t3");
    for (size_t i = 0; (r = origin_request_at(g.o, i)) != NULL; i++)
        assert_true(strcmp(r->path, "/robots.txt") == 0 || strstr(r->path, ".xml"));
    assert_int_not_equal(access(program_path(&g.p, "crawl.db"), F_OK), 0);
    rig_close(&g);
}

static void a_database_tells_pages_and_bytes_and_is_left_alone(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.2:$PORT/\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    program_change(&g.p, "UPDATE fetch SET wire_size = 30, total_ms = 100");
    assert_int_equal(program_run(&g.p, ARGS{ "plan", "-f", "tsv", "--allow-net",
                                             "127.0.0.0/8", "seeds.txt", NULL }),
                     0);
    assert_string_equal(line_of(&g, 1), "none\t1\t0\t1\t0\t0\t2\t2\t2\tdatabase\t60\t"
                                        "database: mean of known pages\t2.2");
    program_seeds(&g.p, origin_port(g.o), "http://127.0.0.2:$PORT/\nhttp://127.0.0.1:$PORT/\n");
    assert_int_equal(program_run(&g.p, ARGS{ "plan", "-f", "tsv", "--allow-net", "127.0.0.0/8", "seeds.txt", NULL }),
                     0);
    assert_string_equal(line_of(&g, 3), "\t\t\t\t\t\t\t\t6\t\t\t\t4"); /* the bytes of one host are not known */
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM runs"), 1);
    rig_close(&g);
}

/* The pause runs from the end of a request: beside it, more permits hardly ever overlap. */
static void permits_shorten_a_crawl_without_a_pause_only(void **state)
{
    static const struct {
        const char *delay, *per_host, *duration;
    } rows[] = { { "20ms", "1", "0.4" }, { "20ms", "4", "0.4" }, { "0", "1", "0.2" }, { "0", "4", "0.05" } };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.2:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    program_change(&g.p, "UPDATE fetch SET total_ms = 100");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(program_run(&g.p, ARGS{ "plan", "-f", "tsv", "--allow-net", "127.0.0.0/8", "--delay",
                                                 rows[i].delay, "--per-host", rows[i].per_host, "seeds.txt", NULL }),
                         0);
        assert_string_equal(strrchr(line_of(&g, 1), '\t') + 1, rows[i].duration);
    }
    rig_close(&g);
}

/* After a night that was cut short, or on which the host was down, the pages are known still. */
static void what_the_next_start_asks_for_is_known(void **state)
{
    static const struct {
        const char *change, *known;
    } rows[] = {
        { "UPDATE url SET state = 0", "2" },
        { "UPDATE url SET state = 3", "2" },
        { "UPDATE url SET state = 4, reason = 7", "2" },
        { "UPDATE url SET state = 4, reason = 1", "0" },
    };
    const char *const plan[] = { "plan", "-f", "tsv", "--allow-net", "127.0.0.0/8", "seeds.txt", NULL };
    const char *stopped = "none\t1\t0\t1\t0\t0\t2\t1\t1\tdatabase\t";
    char begin[64];
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.2:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "-n", "1", NULL }), 5);
    assert_int_equal(program_run(&g.p, plan), 0);
    assert_memory_equal(line_of(&g, 1), stopped, strlen(stopped));
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        program_change(&g.p, rows[i].change);
        assert_int_equal(program_run(&g.p, plan), 0);
        snprintf(begin, sizeof begin, "none\t1\t0\t1\t0\t0\t%s\t", rows[i].known);
        assert_memory_equal(line_of(&g, 1), begin, strlen(begin));
    }
    rig_close(&g);
}

/* What plan says is due is what the next start asks for, whatever --revisit says and however the last run ended. */
static void what_is_due_is_what_is_asked_for(void **state)
{
    static const struct origin_route due_routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, TEXT_OF("Sitemap: http://127.0.0.1:$PORT/1.xml\n") },
        { .path = "/1.xml", .headers = XML, TEXT_OF("<urlset>" URL("/") URL("/a") URL("/b") "</urlset>") },
        { .path = "/gone", .status = 404, .headers = HTML, .body = LIT("gone") },
        { .path = "*",
          .headers = HTML,
          .body = LIT("<title>Page</title><a href=/a>a</a><a href=/c>c</a><a href=/gone>g</a>") },
    };
    /* /, /a, /b, /c answered and /gone did, too; changed so, a start with that --revisit asks for so many. */
    static const struct {
        const char *change, *revisit;
        int due;
    } rows[] = {
        { "UPDATE url SET next_fetch_at = 1 WHERE url LIKE '%/a'", "due", 1 },
        { "UPDATE url SET next_fetch_at = 1 WHERE url LIKE '%/gone' OR url LIKE '%/c'", "due", 2 },
        { "UPDATE url SET next_fetch_at = 1 WHERE url LIKE '%/a'", "none", 0 },
        { "UPDATE url SET next_fetch_at = 1 WHERE url LIKE '%/a'", "all", 5 },
        { "UPDATE url SET state = 3, reason = 1 WHERE url LIKE '%/b'", "due", 1 },
        { "UPDATE url SET state = 3, reason = 1 WHERE url LIKE '%/b'", "none", 0 },
        { "UPDATE url SET state = 4, reason = 11 WHERE url LIKE '%/b'", "due", 1 },
        { "UPDATE url SET state = 0, next_fetch_at = NULL WHERE url LIKE '%/b'", "none", 1 },
        { "UPDATE runs SET state = 'stopped'; UPDATE url SET state = 3, reason = 1 WHERE url LIKE '%/b'", "all", 1 },
        { "UPDATE runs SET state = 'running'; UPDATE url SET state = 3, reason = 1 WHERE url LIKE '%/b'", "all", 0 },
    };
    struct rig g;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t before = 0;
        int asked = 0;
        char begin[96];

        RIG_OPEN(&g, due_routes, 1, "http://127.0.0.1:$PORT/\n");
        assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
        program_change(&g.p, "UPDATE url SET next_fetch_at = 9000000000000, interval_ms = 9000000000000");
        program_change(&g.p, rows[i].change);
        assert_int_equal(program_run(&g.p, ARGS{ "plan", "-f", "tsv", "--allow-net", "127.0.0.0/8", "--delay", "0",
                                                 "--revisit", rows[i].revisit, "seeds.txt", NULL }),
                         0);
        snprintf(begin, sizeof begin, "rules\t1\t0\t0\t1\t3\t4\t%d\t%d\t%s", rows[i].due, rows[i].due,
                 rows[i].due ? "database\t" : "nothing is due\t");
        assert_memory_equal(line_of(&g, 1), begin, strlen(begin));
        while (origin_request_at(g.o, before))
            before++;
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--revisit", rows[i].revisit, NULL });
        for (const struct origin_request *r; (r = origin_request_at(g.o, before)) != NULL; before++)
            asked += strcmp(r->path, "/robots.txt") != 0 && !strstr(r->path, ".xml");
        if (asked != rows[i].due)
            fail_msg("%s, %s: %d requests", rows[i].change, rows[i].revisit, asked);
        rig_close(&g);
    }
}

static void what_a_sitemap_names_beyond_the_database_is_added(void **state)
{
    static const char *const revisits[] = { "none", "all" };
    static const char *const wants[] = { "rules\t1\t0\t1\t2\t3\t1\t0\t2\tdatabase, and new URLs\t",
                                         "rules\t1\t0\t1\t2\t3\t1\t1\t3\tdatabase, and new URLs\t" };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--no-sitemaps", "-d", "0",
                                               "--no-robots", NULL }),
                     0);
    for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
        assert_int_equal(program_run(&g.p, ARGS{ "plan", "-f", "tsv", "--allow-net", "127.0.0.0/8", "--exclude",
                                                 "\\.zip$", "--revisit", revisits[i], "seeds.txt", NULL }),
                         0);
        assert_memory_equal(line_of(&g, 1), wants[i], strlen(wants[i]));
    }
    /* Begun anew, nothing of the database counts but how much there was. */
    assert_int_equal(program_run(&g.p, ARGS{ "plan", "-f", "tsv", "--allow-net", "127.0.0.0/8", "--exclude",
                                             "\\.zip$", "--revisit", "none", "--fresh", "seeds.txt", NULL }),
                     0);
    assert_memory_equal(line_of(&g, 1), wants[1], strlen(wants[1]));
    rig_close(&g);
}

/* An index as long as sitemaps.org allows, of one address. */
static void long_index(void *arg, const struct origin_request *r, int *io_status,
                       struct buf *out)
{
    enum err e = buf_append(out, SPAN("<sitemapindex>"));

    (void)arg;
    (void)r;
    (void)io_status;
    for (int i = 0; !e && i < 50000; i++)
        e = buf_append(out, SPAN("<sitemap><loc>/1.xml</loc></sitemap>"));
    BUG_IF(e != OK);
}

static void indexes_that_repeat_themselves_take_no_room(void **state)
{
    static const struct origin_route long_routes[] = {
        { .path = "/robots.txt",
          .headers = PLAIN,
          .body = LIT("Sitemap: /i0\nSitemap: /i1\nSitemap: /i2\nSitemap: /i3\n"
                      "Sitemap: /i4\nSitemap: /i5\nSitemap: /i6\nSitemap: /i7\n"
                      "Sitemap: /i8\nSitemap: /i9\nSitemap: /ia\nSitemap: /ib\n"
                      "Sitemap: /ic\nSitemap: /id\nSitemap: /ie\nSitemap: /if\n") },
        { .path = "/1.xml",
          .headers = XML,
          TEXT_OF("<urlset>" URL("/") URL("/a") "</urlset>") },
        { .path = "/i*", .headers = XML, .generate = long_index },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, long_routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(
        program_run(&g.p, ARGS{ "plan", "-f", "tsv", "--allow-net", "127.0.0.0/8",
                                "--delay", "0", "seeds.txt", NULL }),
        0);
    assert_int_equal(traffic_count(g.o, NULL, "/1.xml"), 1);
    assert_string_equal(line_of(&g, 1),
                        "rules\t1\t0\t0\t17\t2\t\t\t2\tsitemaps\t\tunknown\t");
    rig_close(&g);
}

static void of_a_sitemap_over_max_size_the_part_that_came_counts(void **state)
{
    static const struct origin_route cut_routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("Sitemap: /1.xml\n") },
        { .path = "/1.xml",
          .headers = XML,
          TEXT_OF("<urlset>" URL("/a") URL("/b") URL("/c") "</urlset>") },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, cut_routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_run(&g.p, ARGS{ "plan", "-f", "tsv", "--allow-net",
                                             "127.0.0.0/8", "--delay", "0",
                                             "--max-size", "120", "seeds.txt", NULL }),
                     0);
    assert_string_equal(line_of(&g, 1),
                        "rules\t1\t0\t0\t1\t2\t\t\t3\tsitemaps\t\tunknown\t");
    rig_close(&g);
}

/* Promise P14, without the waiting: what it would have said is not known. */
static void a_host_that_asks_for_a_pause_is_left_alone(void **state)
{
    static const struct origin_route pause_routes[] = {
        { .path = "/robots.txt",
          .headers = PLAIN,
          .body = LIT("Sitemap: /0.xml\nSitemap: /1.xml\nSitemap: /2.xml\n") },
        { .path = "/0.xml", .headers = XML, TEXT_OF("<urlset>" URL("/a") "</urlset>") },
        { .path = "/1.xml", .status = 429, .headers = "Retry-After: 9\r\n" },
        { .path = "/2.xml", .headers = XML, TEXT_OF("<urlset>" URL("/b") "</urlset>") },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, pause_routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(
        program_run(&g.p, ARGS{ "plan", "-f", "tsv", "--allow-net", "127.0.0.0/8",
                                "--delay", "0", "seeds.txt", NULL }),
        0);
    assert_int_equal(traffic_count(g.o, NULL, "/1.xml"), 1);
    assert_int_equal(traffic_count(g.o, NULL, "/2.xml"), 0);
    assert_string_equal(line_of(&g, 1),
                        "rules\t1\t0\t0\t1\t1\t\t\t2\tsitemaps\t\tunknown\t");
    rig_close(&g);
}

static void mistakes_are_usage(void **state)
{
    struct program p;

    (void)state;
    program_open(&p);
    assert_int_equal(program_run(&p, ARGS{ "plan", NULL }), 2);
    assert_int_equal(program_run(&p, ARGS{ "plan", "-f", "tabel", "http://a/", NULL }),
                     2);
    assert_true(program_said(&p, "must be one of table|csv"));
    assert_int_equal(program_run(&p, ARGS{ "plan", "nowhere.txt", NULL }), 2);
    program_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(robots_and_sitemaps_are_read_and_no_page),
        cmocka_unit_test(a_database_tells_pages_and_bytes_and_is_left_alone),
        cmocka_unit_test(permits_shorten_a_crawl_without_a_pause_only),
        cmocka_unit_test(what_the_next_start_asks_for_is_known),
        cmocka_unit_test(what_is_due_is_what_is_asked_for),
        cmocka_unit_test(what_a_sitemap_names_beyond_the_database_is_added),
        cmocka_unit_test(indexes_that_repeat_themselves_take_no_room),
        cmocka_unit_test(of_a_sitemap_over_max_size_the_part_that_came_counts),
        cmocka_unit_test(a_host_that_asks_for_a_pause_is_left_alone),
        cmocka_unit_test(mistakes_are_usage),
    };

    return cmocka_run_group_tests_name("flow/plan", tests, NULL, NULL);
}
