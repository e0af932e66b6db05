/* SPDX-License-Identifier: MIT */
/*
 * What pages, feeds and sitemaps say to a crawler, through the whole program:
 * what is followed, what is obeyed, what decides when a page is due.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/kit/rig.h"

#define RSS   "Content-Type: application/rss+xml\r\n"
#define QUICK "--delay", "0", "-q"

/* --- links in heads and headers -------------------------------------------------------- */

static void head_and_header_links_are_followed(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML
          "Link: </h-canonical>; rel=canonical, </h-next>; rel=next\r\n"
          "Link: </h-lang>; rel=alternate; hreflang=fr\r\nRefresh: 3; url=/h-refresh\r\n",
          .body = LIT(
              "<link rel=canonical href=/canonical><link rel=alternate hreflang=de href=/de>"
              "<link rel=next href=/next><link rel=prev href=/prev><link rel=prefetch href=/prefetch>"
              "<link rel=alternate type=application/rss+xml href=/feed>") },
        { .path = "/next",
          .headers = HTML,
          .body = LIT("<meta http-equiv=refresh content='0; url=/refresh'>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, NULL }), 0);
    assert_string_equal(
        rig_url(&g, "%/canonical", "state || ' ' || hop || ' ' || depth"),
        "fetched canonical 1");
    assert_string_equal(
        rig_url(&g, "%/h-canonical", "state || ' ' || hop || ' ' || depth"),
        "fetched canonical 1");
    assert_string_equal(rig_url(&g, "%/de", "state || ' ' || hop || ' ' || depth"),
                        "fetched link 1");
    assert_string_equal(rig_url(&g, "%/h-lang", "state || ' ' || hop || ' ' || depth"),
                        "fetched link 1");
    assert_string_equal(rig_url(&g, "%/prev", "state || ' ' || hop || ' ' || depth"),
                        "fetched link 1");
    assert_string_equal(rig_url(&g, "%/h-next", "state || ' ' || hop || ' ' || depth"),
                        "fetched link 1");
    assert_string_equal(rig_url(&g, "%/refresh", "state || ' ' || hop || ' ' || depth"),
                        "fetched refresh 2");
    assert_string_equal(
        rig_url(&g, "%/h-refresh", "state || ' ' || hop || ' ' || depth"),
        "fetched refresh 1");
    assert_string_equal(rig_url(&g, "%/prefetch", "state || ' ' || reason"),
                        "excluded kind");
    assert_int_equal(traffic_count(g.o, NULL, "/prefetch"), 0);
    rig_close(&g);
}

/* --- robots directives -------------------------------------------------------------------- */

static void noindex_and_nofollow_bind_whom_they_name(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML,
          .body = LIT(
              "<a href=/us>1</a><a href=/them>2</a><a href=/header>3</a><a href=/plain>4</a>") },
        { .path = "/us",
          .headers = HTML,
          .body = LIT(
              "<title>us</title><meta name=crawl content='noindex, nofollow'>usword <a href=/from-us>x</a>") },
        { .path = "/them",
          .headers = HTML "X-Robots-Tag: otherbot: noindex\r\n",
          .body = LIT(
              "<title>them</title><meta name=otherbot content=none>themword <a href=/from-them>x</a>") },
        { .path = "/header",
          .headers =
              HTML "X-Robots-Tag: crawl: none\r\nX-Robots-Tag: otherbot: noarchive\r\n",
          .body = LIT("<title>header</title>headerword <a href=/from-header>x</a>") },
        { .path = "/plain",
          .headers = HTML,
          .body = LIT(
              "<title>plain</title>plainword <a rel=nofollow href=/from-plain>x</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, NULL }), 0);
    assert_string_equal(
        rig_url(&g, "%/from-us", "state || ' ' || reason || ': ' || rule"),
        "excluded nofollow: page says nofollow");
    assert_string_equal(rig_url(&g, "%/from-header", "state || ' ' || reason"),
                        "excluded nofollow");
    assert_string_equal(rig_url(&g, "%/from-them", "state"), "fetched");
    assert_string_equal(rig_url(&g, "%/from-plain", "state"), "fetched");
    assert_int_equal(
        program_number(
            &g.p,
            "SELECT nofollow FROM links l JOIN urls d ON d.id = l.dst_id WHERE d.url LIKE '%/from-plain'"),
        1);
    assert_int_equal(
        program_number(
            &g.p,
            "SELECT count(*) FROM page_text WHERE page_text MATCH 'usword OR headerword'"),
        0);
    assert_int_equal(
        program_number(
            &g.p,
            "SELECT count(*) FROM page_text WHERE page_text MATCH 'themword OR plainword'"),
        2);
    assert_string_equal(
        program_text(
            &g.p,
            "SELECT robots_meta FROM pages p JOIN urls u ON u.id = url_id WHERE u.url LIKE '%/us'"),
        "noindex, nofollow");
    assert_string_equal(
        program_text(
            &g.p,
            "SELECT x_robots_tag FROM pages p JOIN urls u ON u.id = url_id WHERE u.url LIKE '%/header'"),
        "none");
    /* The report goes by what binds us: what is said to others does not. */
    assert_int_equal(program_run(&g.p, ARGS{ "sql", "-f", "tsv", "noindex", NULL }), 0);
    assert_true(span_find_span(buf_span(&g.p.out), SPAN("/header\t")) < g.p.out.len);
    assert_int_equal(span_find_span(buf_span(&g.p.out), SPAN("/them")), g.p.out.len);
    rig_close(&g);
}

/* --- feeds ------------------------------------------------------------------------------------ */

static void a_feed_brings_what_was_deep_near(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/", .headers = HTML, .body = LIT("<a href=/1>1</a>") },
        { .path = "/1", .headers = HTML, .body = LIT("<a href=/2>2</a>") },
        { .path = "/2", .headers = HTML, .body = LIT("<a href=/3>3</a>") },
        { .path = "/3",
          .headers = HTML,
          .body = LIT("<a href=/story>old</a><a href=/feed>feed</a>") },
        { .path = "/feed",
          .headers = RSS,
          .body = LIT(
              "<rss version='2.0'><channel><title>f</title><item><link>/story</link></item>"
              "<item><title>new &amp; fresh</title><link>/news</link></item></channel></rss>") },
        { .path = "/news", .headers = HTML, .body = LIT("<a href=/beyond>b</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, NULL }), 0);
    assert_string_equal(rig_url(&g, "%/feed", "state || ' ' || depth"), "fetched 4");
    assert_string_equal(rig_url(&g, "%/news", "hop || ' ' || depth"), "feed 1");
    assert_string_equal(rig_url(&g, "%/beyond", "hop || ' ' || depth"), "link 2");
    assert_string_equal(rig_url(&g, "%/story", "depth"), "1");
    assert_int_equal(traffic_most_of_one(g.o, NULL, "*"), 1);
    assert_string_equal(
        program_text(&g.p,
                     "SELECT anchor FROM links WHERE kind = 'feed' AND anchor <> ''"),
        "new & fresh");
    rig_close(&g);
}

/* --- sitemaps and due pages ------------------------------------------------------------------ */

#define SITEMAP(entries)                                                           \
    TEXT_OF("<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>" entries \
            "</urlset>")
#define ENTRY(path, more) "<url><loc>http://127.0.0.1:$PORT" path "</loc>" more "</url>"
#define WITH_SITEMAP                                     \
    {                                                    \
        .path = "/robots.txt", .headers = PLAIN,         \
        TEXT_OF("Sitemap: http://127.0.0.1:$PORT/map\n") \
    }

/* First run: the old map; after that the new one. */
static const struct origin_route map_routes[] = {
    WITH_SITEMAP,
    { .path = "/map",
      .headers = XML,
      SITEMAP(ENTRY("/a", "<lastmod>2001-01-01</lastmod>") ENTRY("/b", "")),
      .uses = 1 },
    { .path = "/map",
      .headers = XML,
      SITEMAP(ENTRY("/a", "<lastmod>2018-05-06T07:08:09Z</lastmod>")
                  ENTRY("/b", "<lastmod>2001-01-01</lastmod>") ENTRY("/new", "")) },
    { .path = "*", .headers = HTML, .body = PAGE },
};

static void a_sitemap_says_what_is_due_and_what_is_new(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, map_routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, "--revisit", "due", NULL }), 0);
    assert_string_equal(rig_url(&g, "%/a", "hop || ' ' || depth"), "sitemap 1");
    assert_int_equal(traffic_count(g.o, NULL, NULL), 5);
    program_change(&g.p, "UPDATE fetch SET fetched_at = 1500000000000"); /* 2017 */

    /* Nothing is due, and nobody names seeds: the map alone is asked. */
    assert_int_equal(program_crawl(&g.p, ARGS{ QUICK, "--revisit", "due", NULL }), 0);
    assert_int_equal(traffic_count(g.o, NULL, "/map"), 2);
    assert_int_equal(traffic_count(g.o, NULL, "/a"), 2);
    assert_int_equal(traffic_count(g.o, NULL, "/new"), 1);
    assert_int_equal(traffic_count(g.o, NULL, "/b"), 1);
    assert_int_equal(traffic_count(g.o, NULL, "/"), 1);
    assert_int_equal(traffic_count(g.o, NULL, "/robots.txt"), 1);
    assert_string_equal(program_text(&g.p, "SELECT group_concat(state, ' ') FROM runs"),
                        "finished finished");
    rig_close(&g);
}

static void no_sitemap_is_asked_where_none_may_be(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, map_routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, NULL }), 0);
    assert_int_equal(
        program_crawl(&g.p, ARGS{ QUICK, "--revisit", "due", "--no-sitemaps", NULL }),
        0);
    assert_int_equal(program_crawl(&g.p, ARGS{ QUICK, "--revisit", "none", NULL }), 0);
    assert_int_equal(traffic_count(g.o, NULL, "/map"), 1);
    assert_int_equal(traffic_count(g.o, NULL, NULL), 5);
    rig_close(&g);
}

static void a_host_that_left_the_scope_is_not_asked(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, map_routes, 2, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, NULL }), 0);
    program_change(
        &g.p,
        "UPDATE url SET url = replace(url, '127.0.0.1', '127.0.0.2') WHERE id IN (SELECT url_id FROM seeds)");
    assert_int_equal(program_crawl(&g.p, ARGS{ QUICK, "--revisit", "due", NULL }), 0);
    assert_int_equal(traffic_count(g.o, NULL, "/map"), 1);
    rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_and_header_links_are_followed),
        cmocka_unit_test(noindex_and_nofollow_bind_whom_they_name),
        cmocka_unit_test(a_feed_brings_what_was_deep_near),
        cmocka_unit_test(a_sitemap_says_what_is_due_and_what_is_new),
        cmocka_unit_test(no_sitemap_is_asked_where_none_may_be),
        cmocka_unit_test(a_host_that_left_the_scope_is_not_asked),
    };

    return cmocka_run_group_tests_name("flow/signals", tests, NULL, NULL);
}
