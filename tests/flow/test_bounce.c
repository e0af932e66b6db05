/* SPDX-License-Identifier: MIT */
/*
 * Pages that send whoever has no cookie away to fetch one, from where a redirect leads back: the second answer is the page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/kit/rig.h"

#define CRAWL(...)                                     \
    ARGS                                               \
    {                                                  \
        "seeds.txt", "-q", "--delay", "0", __VA_ARGS__ \
    }

#define WALL(at, check)                                                             \
    {                                                                               \
        .path = at, .headers = HTML "Location: " check "\r\n", .generate = rig_wall \
    }
#define CHECK(at, back)                                                                                    \
    {                                                                                                      \
        .path = at, .status = 302, .headers = "Location: " back "\r\nSet-Cookie: pass=1; Path=/\r\n" \
    }
#define SENT_TO(at, to)                                                                \
    {                                                                                  \
        .path = at, .status = 302, .headers = "Location: " to "\r\n", .uses = 1 \
    }

/* It gives whoever has no cookie one itself, and sends them where it is looked at. */
#define SETS_ITS_OWN(at, probe)                                                                                 \
    {                                                                                                             \
        .path = at, .headers = HTML "Location: " probe "\r\nSet-Cookie: pass=1; Path=/\r\n", .generate = rig_wall \
    }

static const struct origin_route routes[] = {
    NO_ROBOTS,
    SETS_ITS_OWN("/own", "/probe"),
    MOVED_TO("/probe", "/own"),
    SENT_TO("/slow", "/check?slow"),
    { .path = "/slow", .headers = HTML, .delay_ms = 60000, .uses = 1 },
    WALL("/slow", "/check?slow"),
    CHECK("/check?slow", "/slow"),
    WALL("/page", "/check"),
    CHECK("/check", "/page"),
    WALL("/deep", "/idp"),
    MOVED_TO("/idp", "/idp2"),
    CHECK("/idp2", "/deep"),
    MOVED_TO("/old", "/new"),
    WALL("/new", "/check?new"),
    CHECK("/check?new", "/new"),
    MOVED_TO("/ping", "/pong"),
    MOVED_TO("/pong", "/ping"),
    SENT_TO("/token", "/give?1"),
    SENT_TO("/token", "/give?2"),
    SENT_TO("/token", "/give?3"),
    SENT_TO("/token", "/give?4"),
    MOVED_TO("/give?*", "/token"),
    { .path = "/many", .headers = HTML, .body = LIT(LINK("/from1") LINK("/from2") LINK("/from3") LINK("/from4")) },
    MOVED_TO("/from*", "/login"),
    CHECK("/login", "/welcome"),
    { .path = "/welcome", .headers = HTML, .body = PAGE },
};

static void assert_row(struct rig *g, const char *path, const char *wanted)
{
    char sql[512];

    snprintf(sql, sizeof sql,
             "SELECT u.state || ' ' || f.outcome || ' ' || coalesce(p.title, '-') || ' ' || u.redirects"
             " FROM urls u JOIN fetches f ON f.id = u.fetch_id LEFT JOIN pages p ON p.url_id = u.id"
             " WHERE u.url LIKE 'http://127.0.0.1:%%%s' AND u.url NOT LIKE '%%?%%'", path);
    assert_string_equal(program_text(&g->p, sql), wanted);
}

/* How often it was asked for so far. */
static size_t requests(struct rig *g, const char *path)
{
    return traffic_count(g->o, NULL, path);
}

static void a_redirect_that_leads_back_with_a_cookie_brings_the_page(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/page\n");
    assert_int_equal(program_crawl(&g.p, CRAWL("--cookies", NULL)), 0);
    assert_row(&g, "/page", "fetched ok Inside 0");
    assert_int_equal(requests(&g, "/page"), 2);
    assert_int_equal(requests(&g, "/check"), 1);
    assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 0);
    rig_close(&g);
}

static void so_does_one_over_several_redirects(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/deep\n");
    assert_int_equal(program_crawl(&g.p, CRAWL("--cookies", NULL)), 0);
    assert_row(&g, "/deep", "fetched ok Inside 0");
    assert_int_equal(requests(&g, "/idp"), 1);
    rig_close(&g);
}

static void without_cookies_nobody_is_asked_again(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/page\n");
    assert_int_equal(program_crawl(&g.p, CRAWL(NULL)), 0);
    assert_row(&g, "/page", "fetched redirect - 0");
    assert_int_equal(requests(&g, "/page"), 1);
    rig_close(&g);
}

static void assert_both_inside(struct rig *g)
{
    assert_row(g, "/page", "fetched ok Inside 0");
    assert_row(g, "/new", "fetched ok Inside 1");
}

/* Cookies end with the run. */
static void each_run_finds_the_way_anew(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/page\nhttp://127.0.0.1:$PORT/old\n");
    for (int run = 0; run < 3; run++) {
        assert_int_equal(program_crawl(&g.p, CRAWL("--cookies", "--max-redirects", "3", NULL)), 0);
        assert_both_inside(&g);
    }
    /* Where only the page is due, too. */
    program_change(&g.p, "UPDATE url SET next_fetch_at = 1 WHERE url LIKE '%/page' OR url LIKE '%/new'");
    assert_int_equal(program_crawl(&g.p, CRAWL("--cookies", "--max-redirects", "3", "--revisit", "due", NULL)), 0);
    assert_both_inside(&g);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM fetches WHERE run_id = 4 AND outcome = 'ok'"), 2);
    rig_close(&g);
}

/* Cookies end with the program, also in the middle of a run. */
static void a_run_that_goes_on_finds_the_way_anew(void **state)
{
    static const char *const budgets[] = { "1", "2", "4" };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/page\nhttp://127.0.0.1:$PORT/deep\n");
    for (size_t i = 0; i < ARRAY_LEN(budgets); i++)
        assert_int_equal(program_crawl(&g.p, CRAWL("--cookies", "--max-pages", budgets[i], NULL)), 5);
    assert_int_equal(program_crawl(&g.p, CRAWL("--cookies", NULL)), 0);
    assert_row(&g, "/page", "fetched ok Inside 0");
    assert_row(&g, "/deep", "fetched ok Inside 0");
    assert_int_equal(program_number(&g.p, "SELECT max(run_id) FROM fetches"), 1);
    rig_close(&g);
}

/* Whoever is asked first sends the crawl to a page that is to be asked for anyway, without a cookie yet. */
static void the_order_of_questions_does_not_matter(void **state)
{
    static const char *const seeds[] = { "http://127.0.0.1:$PORT/probe\nhttp://127.0.0.1:$PORT/own\n",
                                         "http://127.0.0.1:$PORT/own\nhttp://127.0.0.1:$PORT/probe\n" };
    struct rig g;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        RIG_OPEN(&g, routes, 1, seeds[i]);
        for (int run = 0; run < 2; run++) {
            assert_int_equal(program_crawl(&g.p, CRAWL("--cookies", NULL)), 0);
            assert_row(&g, "/own", "fetched ok Inside 0");
        }
        /* Where only the way there is due, the page is asked without a cookie first. */
        program_change(&g.p, "UPDATE url SET next_fetch_at = 1 WHERE url LIKE '%/probe'");
        program_change(&g.p, "UPDATE fetch SET outcome = 'redirect', location = '/probe' WHERE url_id ="
                             " (SELECT id FROM url WHERE url LIKE '%/own')");
        assert_int_equal(program_crawl(&g.p, CRAWL("--cookies", "--revisit", "due", NULL)), 0);
        assert_row(&g, "/own", "fetched ok Inside 0");
        rig_close(&g);
    }
}

/* Cookies end with the process, too. */
static void a_start_after_a_kill_finds_the_way_anew(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/slow\n");
    program_start_crawl(&g.p, CRAWL("--cookies", NULL));
    assert_true(traffic_wait(g.o, NULL, "/slow", 2));
    program_kill(&g.p);
    assert_int_equal(program_crawl(&g.p, CRAWL("--cookies", NULL)), 0);
    assert_row(&g, "/slow", "fetched ok Inside 0");
    assert_int_equal(program_number(&g.p, "SELECT max(id) FROM runs"), 1);
    rig_close(&g);
}

static void a_way_that_goes_round_ends(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/ping\nhttp://127.0.0.1:$PORT/token\n");
    assert_int_equal(program_crawl(&g.p, CRAWL("--cookies", "--max-redirects", "4", NULL)), 0);
    assert_row(&g, "/ping", "fetched redirect - 0");
    assert_int_equal(requests(&g, "/ping"), 2);
    assert_int_equal(requests(&g, "/pong"), 1);
    assert_row(&g, "/token", "failed redirect_limit - 0");
    assert_int_equal(requests(&g, "/token"), 3);
    rig_close(&g);
}

/*
 * What a commit queues again is told with its last op, which may be of any kind: here it is often an event, as seeds
 * that move to other hosts are told.
 */
static void whatever_else_is_stored_with_it_nothing_stays_queued(void **state)
{
    enum { N = 120 };
    struct origin_route many[3 * N + 1];
    char texts[N][6][64];
    struct buf seeds;
    struct rig g;

    (void)state;
    buf_init(&seeds, (size_t)64 * KIB);
    many[0] = (struct origin_route)NO_ROBOTS;
    for (int i = 0; i < N; i++) {
        snprintf(texts[i][0], 64, "/a%d", i);
        snprintf(texts[i][1], 64, "Location: /b%d\r\n", i);
        snprintf(texts[i][2], 64, "/b%d", i);
        snprintf(texts[i][3], 64, "Location: /a%d\r\n", i);
        snprintf(texts[i][4], 64, "/moved%d", i);
        snprintf(texts[i][5], 64, "Location: http://127.0.1.%d:1/\r\n", i + 1);
        for (int k = 0; k < 3; k++) {
            many[3 * i + k + 1] =
                (struct origin_route){ .path = texts[i][2 * k], .status = 302, .headers = texts[i][2 * k + 1] };
            assert_int_equal(buf_printf(&seeds, "http://127.0.0.1:$PORT%s\n", texts[i][2 * k]), OK);
        }
    }
    assert_int_equal(buf_append(&seeds, span_make("", 1)), OK);
    RIG_OPEN(&g, many, 1, seeds.ptr);
    assert_int_equal(program_crawl(&g.p, CRAWL("--cookies", "--per-host", "6", "--retries", "0", NULL)), 0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'queued'"), 0);
    rig_close(&g);
    buf_clear(&seeds);
}

static void what_many_are_sent_to_is_asked_once(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/many\n");
    assert_int_equal(program_crawl(&g.p, CRAWL("--cookies", NULL)), 0);
    assert_int_equal(requests(&g, "/login"), 1);
    assert_int_equal(requests(&g, "/welcome"), 1);
    rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_redirect_that_leads_back_with_a_cookie_brings_the_page),
        cmocka_unit_test(so_does_one_over_several_redirects),
        cmocka_unit_test(without_cookies_nobody_is_asked_again),
        cmocka_unit_test(each_run_finds_the_way_anew),
        cmocka_unit_test(a_run_that_goes_on_finds_the_way_anew),
        cmocka_unit_test(the_order_of_questions_does_not_matter),
        cmocka_unit_test(a_start_after_a_kill_finds_the_way_anew),
        cmocka_unit_test(a_way_that_goes_round_ends),
        cmocka_unit_test(whatever_else_is_stored_with_it_nothing_stays_queued),
        cmocka_unit_test(what_many_are_sent_to_is_asked_once),
    };

    return cmocka_run_group_tests_name("flow/bounce", tests, NULL, NULL);
}
