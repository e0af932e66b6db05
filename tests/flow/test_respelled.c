/* SPDX-License-Identifier: MIT */
/*
 * Redirects that lead to the row they come from: to another spelling of the URL, or to the same one with a cookie.
 * They are followed like any other; what is there is the page of that row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/kit/rig.h"

#define CRAWL(...)                                      \
    ARGS                                                \
    {                                                   \
        "seeds.txt", "-q", "--delay", "0", __VA_ARGS__ \
    }

static const struct origin_route routes[] = {
    NO_ROBOTS,
    { .path = "/",
      .headers = HTML,
      .body = LIT("<title>Home</title>" LINK("/%7Ea") LINK("/b?") LINK("/~c") LINK("/%7Eround") LINK("/itself")
                      LINK("/wall") LINK("/door")) },
    MOVED_TO("/%7Ea", "/~a"),
    { .path = "/~a", .headers = HTML, .body = LIT("<title>A</title>" LINK("from-a")) },
    MOVED_TO("/b?", "/b#top"),
    { .path = "/b", .headers = HTML, .body = LIT("<title>B</title>") },
    MOVED_TO("/~c", "/%7Ec"),
    { .path = "/%7Ec", .headers = HTML, .body = LIT("<title>C</title>") },
    MOVED_TO("/%7Eround", "/~round"),
    MOVED_TO("/~round", "/%7Eround"),
    MOVED_TO("/itself", "/itself"),
    { .path = "/from-a", .headers = HTML, .body = PAGE },
    { .path = "/wall", .headers = HTML "Location: /wall\r\nSet-Cookie: pass=1; Path=/wall\r\n", .generate = rig_wall },
    MOVED_TO("/door", "/hall"),
    { .path = "/hall", .headers = HTML "Location: /hall\r\nSet-Cookie: pass=1; Path=/hall\r\n", .generate = rig_wall },
};

static void assert_row(struct rig *g, const char *key, const char *wanted)
{
    char sql[512];

    snprintf(sql, sizeof sql,
             "SELECT substr(u.url, instr(substr(u.url, 8), '/') + 7) || ' ' || u.state || ' ' || f.outcome || ' '"
             " || coalesce(p.title, '-') FROM urls u JOIN fetches f ON f.id = u.fetch_id"
             " LEFT JOIN pages p ON p.url_id = u.id WHERE u.key LIKE '%%%s'", key);
    assert_string_equal(program_text(&g->p, sql), wanted);
}

static void redirects_to_another_spelling_bring_the_page(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, CRAWL("--max-redirects", "3", NULL)), 0);
    assert_row(&g, "/~a", "/~a fetched ok A");
    assert_row(&g, "/b", "/b fetched ok B");
    assert_row(&g, "/~c", "/%7Ec fetched ok C");
    assert_row(&g, "/from-a", "/from-a fetched ok Page");
    assert_row(&g, "/~round", "/~round failed redirect_limit -");
    assert_row(&g, "/itself", "/itself fetched redirect -");
    assert_row(&g, "/wall", "/wall fetched redirect -"); /* no cookies are kept */
    assert_string_equal(program_text(&g.p, "SELECT group_concat(outcome) FROM fetches f JOIN urls u ON u.id = f.url_id"
                                           " WHERE u.key LIKE '%/~a'"), "redirect,ok");
    assert_string_equal(program_text(&g.p, "SELECT count(*) FROM fetches f JOIN urls u ON u.id = f.url_id"
                                           " WHERE u.key LIKE '%/~round'"), "4");
    assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 0);
    /* Another run asks for what brought the page. */
    assert_int_equal(program_crawl(&g.p, CRAWL(NULL)), 0);
    assert_string_equal(program_text(&g.p, "SELECT group_concat(outcome) FROM fetches f JOIN urls u ON u.id = f.url_id"
                                           " WHERE u.key LIKE '%/~a' AND f.run_id = 2"), "ok");
    rig_close(&g);
}

static void a_redirect_to_itself_is_followed_with_the_cookie_that_it_brought(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, CRAWL("--cookies", NULL)), 0);
    assert_row(&g, "/wall", "/wall fetched ok Inside");
    assert_row(&g, "/itself", "/itself fetched redirect -");
    rig_close(&g);
}

/* Cookies end with the run, so that each has the redirect again: they are not added up over the runs. */
static void each_run_has_all_its_redirects(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/wall\nhttp://127.0.0.1:$PORT/door\n");
    for (int run = 1; run <= 3; run++) {
        assert_int_equal(program_crawl(&g.p, CRAWL("--cookies", "--max-redirects", "2", NULL)), 0);
        assert_row(&g, "/wall", "/wall fetched ok Inside");
        assert_row(&g, "/hall", "/hall fetched ok Inside");
        assert_string_equal(program_text(&g.p, "SELECT (SELECT redirects FROM urls WHERE key LIKE '%/wall') || ','"
                                               " || (SELECT redirects FROM urls WHERE key LIKE '%/hall')"),
                            "0,1");
    }
    rig_close(&g);
}

/* Rules are about URLs as they are written, and hold for the spelling that would be asked for. */
static void a_spelling_that_a_rule_excludes_is_not_asked_for(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, CRAWL("--exclude", "/~a", NULL)), 0);
    assert_row(&g, "/~a", "/%7Ea fetched redirect -");
    assert_int_equal(traffic_count(g.o, NULL, "/~a"), 0);
    assert_row(&g, "/b", "/b fetched ok B");
    rig_close(&g);
}

/* What was redirected and not yet asked for again is so by the next start, under its new spelling. */
static void a_stop_between_keeps_the_spelling(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/%7Ea\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--no-robots", "--delay", "30s", "--max-time", "1s",
                                               NULL }),
                     5); /* it waits for its place */
    assert_row(&g, "/~a", "/~a queued redirect -");
    assert_int_equal(program_crawl(&g.p, CRAWL(NULL)), 0);
    assert_row(&g, "/~a", "/~a fetched ok A");
    rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redirects_to_another_spelling_bring_the_page),
        cmocka_unit_test(a_redirect_to_itself_is_followed_with_the_cookie_that_it_brought),
        cmocka_unit_test(each_run_has_all_its_redirects),
        cmocka_unit_test(a_spelling_that_a_rule_excludes_is_not_asked_for),
        cmocka_unit_test(a_stop_between_keeps_the_spelling),
    };

    return cmocka_run_group_tests_name("flow/respelled", tests, NULL, NULL);
}
