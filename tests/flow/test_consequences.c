/* SPDX-License-Identifier: MIT */
/*
 * A commit may queue rows that none of its ops names. Whichever op is its last, and whenever the run would else be
 * over, they are fetched in the same run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "tests/kit/rig.h"

#define CRAWL(...)                                     \
    ARGS                                               \
    {                                                  \
        "-q", "--delay", "0", __VA_ARGS__ \
    }

static const struct origin_route line[] = {
    NO_ROBOTS,
    { .path = "/", .headers = HTML, .body = LIT(LINK("/near")) },
    { .path = "/near", .headers = HTML, .body = LIT(LINK("/deep")) },
    { .path = "/deep", .headers = HTML, .body = LIT(LINK("/deeper")) },
    { .path = "/deeper", .headers = HTML, .body = PAGE },
};

/* A crash while the links of a page whose depth fell were offered again: the first commit of the next start does it. */
static void what_a_crash_left_to_be_offered_is_fetched_by_the_next_start(void **state)
{
    static const char *const revisits[] = { "none", "due", "all" };
    struct rig g;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        RIG_OPEN(&g, line, 1, "http://127.0.0.1:$PORT/\n");
        assert_int_equal(program_crawl(&g.p, CRAWL("seeds.txt", "-d", "1", NULL)), 0);
        assert_string_equal(program_text(&g.p, "SELECT reason FROM urls WHERE url LIKE '%/deep'"), "depth");
        program_change(&g.p, "UPDATE url SET depth = 0 WHERE url LIKE '%/near'");
        program_change(&g.p, "INSERT INTO depth_work (url_id) SELECT id FROM url WHERE url LIKE '%/near'");
        assert_int_equal(program_crawl(&g.p, CRAWL("-d", "1", "--revisit", revisits[i], NULL)), 0);
        assert_string_equal(program_text(&g.p, "SELECT group_concat(state || ' ' || depth) FROM urls WHERE url LIKE"
                                               " '%/deep'"), "fetched 1");
        assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 0);
        rig_close(&g);
    }
}

/* The first op that comes meanwhile is a commit of its own afterwards, all others are one together. */
static void hold_up_the_writer(struct program *p, unsigned seconds)
{
    sqlite3 *db;

    BUG_IF(sqlite3_open(program_path(p, "crawl.db"), &db) != SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    BUG_IF(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK);
    sleep(seconds);
    sqlite3_close(db);
}

/*
 * While the database waits come: a page of a third host, the page that brings /deep into reach, and what another host's
 * robots.txt said.
 */
static void what_a_commit_queued_is_fetched_whatever_its_last_op_is(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .on = 2, .status = 404, .delay_ms = 900 },
        NO_ROBOTS,
        { .path = "/", .on = 1, .headers = HTML, .body = LIT(LINK("/way")), .uses = 1 },
        { .path = "/", .on = 1, .headers = HTML, .body = LIT(LINK("/way") LINK("/near")), .delay_ms = 600 },
        { .path = "/", .on = 3, .headers = HTML, .body = PAGE, .uses = 1 },
        { .path = "/", .on = 3, .headers = HTML, .body = PAGE, .delay_ms = 300 },
        { .path = "/way", .headers = HTML, .body = LIT(LINK("/near")) },
        { .path = "/near", .headers = HTML, .body = LIT(LINK("/deep")) },
        { .path = "/", .on = 2, .headers = HTML, .body = PAGE, .delay_ms = 2000 }, /* behind that commit */
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 3, "http://127.0.0.1:$PORT/\nhttp://127.0.0.3:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, CRAWL("seeds.txt", "-d", "2", NULL)), 0);
    assert_string_equal(rig_url(&g, "%/deep", "reason"), "depth");
    program_change(&g.p, "UPDATE url SET next_fetch_at = 1 WHERE depth = 0");
    program_seeds(&g.p, origin_port(g.o), "http://127.0.0.1:$PORT/\nhttp://127.0.0.2:$PORT/\n");
    program_start_crawl(&g.p, CRAWL("seeds.txt", "-d", "2", "--revisit", "due", NULL));
    assert_true(traffic_wait(g.o, "127.0.0.1", "/", 2));
    assert_true(traffic_wait(g.o, "127.0.0.3", "/", 2));
    assert_true(traffic_wait(g.o, "127.0.0.2", "/robots.txt", 1));
    hold_up_the_writer(&g.p, 2);
    assert_int_equal(program_wait(&g.p), 0);
    assert_string_equal(rig_url(&g, "%/deep", "state || ' ' || depth"), "fetched 2");
    assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 0);
    rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_commit_queued_is_fetched_whatever_its_last_op_is),
        cmocka_unit_test(what_a_crash_left_to_be_offered_is_fetched_by_the_next_start),
    };

    return cmocka_run_group_tests_name("flow/consequences", tests, NULL, NULL);
}
