/* SPDX-License-Identifier: MIT */
/*
 * Pauses that a server asks for with 429 and 503, and second tries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "tests/kit/rig.h"

#define PATIENCE_US INT64_C(20000000) /* a busy machine may be late, but not so late */

/* Requests of a host that start after from and before to. One may be answered in the microsecond of its start. */
static size_t count_between(const struct rig *g, const char *host, int64_t from,
                            int64_t to)
{
    size_t n = 0;

    for (size_t i = 0; rig_start_us(g, host, NULL, i) >= 0; i++)
        n += rig_start_us(g, host, NULL, i) > from &&
             rig_start_us(g, host, NULL, i) < to;
    return n;
}

static char date_header[96];
static int64_t date_wall_ms;

/* Seconds after now, in whole seconds. */
static void make_date(int s)
{
    time_t at = (time_t)(clock_wall_ms() / 1000) + s;
    struct tm tm;

    gmtime_r(&at, &tm);
    strftime(date_header, sizeof date_header,
             "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
    date_wall_ms = (int64_t)at * 1000;
}

static struct origin_route pause_routes[] = {
    { .path = "/robots.txt",
      .on = 6,
      .status = 503,
      .headers = "Retry-After: 2\r\n",
      .uses = 1 },
    { .path = "/robots.txt", .on = 9, .status = 503, .headers = "Retry-After: 600\r\n" },
    NO_ROBOTS,
    { .path = "/a",
      .on = 1,
      .status = 503,
      .headers = "Retry-After: 2\r\n",
      .uses = 1 },
    { .path = "/a", .on = 2, .status = 429, .headers = date_header, .uses = 1 },
    { .path = "/a", .on = 3, .status = 503 },
    { .path = "/b", .on = 3, .status = 503 },
    { .path = "/a", .on = 4, .status = 503, .headers = "Retry-After: 600\r\n" },
    { .path = "/a",
      .on = 5,
      .status = 429,
      .headers = "Retry-After: 0\r\n",
      .uses = 1 },
    { .path = "/a", .on = 7, .status = 500, .uses = 1 },
    { .path = "/a",
      .on = 8,
      .status = 503,
      .headers = "Retry-After: Sat, 01 Jan 2000 00:00:00 GMT\r\n",
      .uses = 1 },
    { .path = "*", .headers = HTML, .body = PAGE },
};
static struct rig pauses;

static int crawl_pausing_hosts(void **state)
{
    char seeds[2048];
    size_t n = 0;

    (void)state;
    for (int i = 1; i <= 9; i++)
        n += (size_t)snprintf(seeds + n, sizeof seeds - n,
                              "http://127.0.0.%d:$PORT/a\nhttp://127.0.0.%d:$PORT/b\n",
                              i, i);
    make_date(3);
    RIG_OPEN(&pauses, pause_routes, 9, seeds);
    return program_crawl(&pauses.p, ARGS{ "seeds.txt", "--delay", "20ms", "--retries",
                                          "1", "--max-wait", "30s", "-q", NULL });
}

static int end_pauses(void **state)
{
    (void)state;
    rig_close(&pauses);
    return 0;
}

static const char *column_of(const char *host, const char *path, const char *column)
{
    char pattern[64];

    snprintf(pattern, sizeof pattern, "http://%s:%%%s", host, path);
    return rig_url(&pauses, pattern, column);
}

static void retry_after_seconds_stops_the_whole_host(void **state)
{
    int64_t from = rig_end_us(&pauses, "127.0.0.1", "/a", 0);

    (void)state;
    assert_int_equal(count_between(&pauses, "127.0.0.1", from, from + 2000000), 0);
    assert_int_equal(count_between(&pauses, "127.0.0.1", from, from + PATIENCE_US), 2);
    assert_string_equal(column_of("127.0.0.1", "/a", "state || retries"), "fetched1");
    assert_int_equal(
        program_number(&pauses.p,
                       "SELECT count(*) FROM fetches f JOIN urls u ON u.id = f.url_id"
                       " WHERE u.url LIKE 'http://127.0.0.1:%/a'"),
        2);
}

static void retry_after_date_stops_the_whole_host(void **state)
{
    int64_t from = rig_end_us(&pauses, "127.0.0.2", "/a", 0);
    int64_t date_us = (date_wall_ms - clock_wall_ms()) * 1000 + clock_now_ns() / 1000;

    (void)state;
    assert_int_equal(count_between(&pauses, "127.0.0.2", from, date_us - 5000), 0);
    assert_int_equal(count_between(&pauses, "127.0.0.2", from, date_us + PATIENCE_US), 2);
    assert_string_equal(column_of("127.0.0.2", "/a", "state"), "fetched");
}

static void without_retry_after_the_host_waits_exponentially(void **state)
{
    int64_t least = 700000;

    (void)state;
    /* robots.txt, then two tries of each; no page ever succeeds. */
    assert_int_equal(traffic_count(pauses.o, "127.0.0.3", NULL), 5);
    for (size_t i = 1; i < 4; i++) {
        assert_true(rig_start_us(&pauses, "127.0.0.3", NULL, i + 1) -
                        rig_end_us(&pauses, "127.0.0.3", NULL, i) >=
                    least);
        least *= 2;
    }
    assert_string_equal(column_of("127.0.0.3", "/a", "state"), "fetched");
    assert_int_equal(
        program_number(
            &pauses.p,
            "SELECT count(*) FROM fetches WHERE status_code = 503 AND outcome = 'http_error'"
            " AND url_id IN (SELECT id FROM urls WHERE url LIKE 'http://127.0.0.3:%')"),
        4);
}

static void useless_retry_after_counts_as_none(void **state)
{
    (void)state;
    assert_true(rig_start_us(&pauses, "127.0.0.5", NULL, 2) -
                    rig_end_us(&pauses, "127.0.0.5", "/a", 0) >=
                700000);
    assert_true(rig_start_us(&pauses, "127.0.0.8", NULL, 2) -
                    rig_end_us(&pauses, "127.0.0.8", "/a", 0) >=
                700000);
    assert_string_equal(column_of("127.0.0.5", "/a", "state"), "fetched");
    assert_string_equal(column_of("127.0.0.8", "/a", "state"), "fetched");
}

static void pause_beyond_max_wait_defers_the_others(void **state)
{
    (void)state;
    assert_int_equal(traffic_count(pauses.o, "127.0.0.4", "/a"), 1);
    assert_int_equal(traffic_count(pauses.o, "127.0.0.4", "/b"), 0);
    assert_string_equal(column_of("127.0.0.4", "/a", "state"), "fetched");
    assert_string_equal(column_of("127.0.0.4", "/b", "state || ' ' || reason"),
                        "excluded deferred");
    assert_in_range(
        program_number(
            &pauses.p,
            "SELECT next_fetch_at FROM urls WHERE url LIKE 'http://127.0.0.4:%/b'") -
            clock_wall_ms(),
        500000, 600000);
}

static void robots_txt_pauses_too(void **state)
{
    (void)state;
    assert_int_equal(traffic_count(pauses.o, "127.0.0.6", "/robots.txt"), 2);
    assert_true(rig_start_us(&pauses, "127.0.0.6", NULL, 1) -
                    rig_end_us(&pauses, "127.0.0.6", NULL, 0) >=
                2000000);
    assert_string_equal(column_of("127.0.0.6", "/a", "state"), "fetched");
}

static void robots_txt_with_a_pause_beyond_max_wait_defers_its_host(void **state)
{
    (void)state;
    assert_int_equal(traffic_count(pauses.o, "127.0.0.9", NULL), 1);
    assert_string_equal(column_of("127.0.0.9", "/a", "state || ' ' || reason || ' ' || rule"),
                        "excluded deferred robots.txt: the server asked for a longer pause");
    assert_in_range(
        program_number(&pauses.p, "SELECT next_fetch_at FROM urls WHERE url LIKE 'http://127.0.0.9:%/b'") -
            clock_wall_ms(),
        500000, 600000);
}

static void status_500_concerns_the_url_alone(void **state)
{
    (void)state;
    assert_true(rig_start_us(&pauses, "127.0.0.7", "/b", 0) <
                rig_start_us(&pauses, "127.0.0.7", "/a", 1));
    assert_true(rig_start_us(&pauses, "127.0.0.7", "/a", 1) -
                    rig_end_us(&pauses, "127.0.0.7", "/a", 0) >=
                700000);
    assert_string_equal(column_of("127.0.0.7", "/a", "state"), "fetched");
}

/* Runs last: it starts the program again on the same database. */
static void next_start_remembers_the_pause(void **state)
{
    (void)state;
    assert_int_equal(
        program_crawl(&pauses.p, ARGS{ "--delay", "20ms", "--max-wait", "30s",
                                       "--revisit", "due", "-q", NULL }),
        0);
    assert_int_equal(traffic_count(pauses.o, "127.0.0.4", NULL), 2);
    assert_int_equal(traffic_count(pauses.o, "127.0.0.9", NULL), 1);
    assert_string_equal(column_of("127.0.0.4", "/b", "state || ' ' || reason"),
                        "excluded deferred");
}

static void pause_is_remembered_across_a_kill(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/a", .status = 503, .headers = "Retry-After: 3\r\n", .uses = 1 },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    const char *const *args = ARGS{ "seeds.txt", "--delay", "20ms", "-q", NULL };
    struct rig g;
    int64_t from;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/a\nhttp://127.0.0.1:$PORT/b\n");
    program_start_crawl(&g.p, args);
    assert_true(traffic_wait(g.o, NULL, "/a", 1));
    for (int i = 0;
         i < 5000 &&
         program_number(&g.p, "SELECT count(*) FROM hosts WHERE backoff_until > 0") < 1;
         i++)
        usleep(2000);
    program_kill(&g.p);

    assert_int_equal(program_crawl(&g.p, args), 0);

    from = rig_end_us(&g, NULL, "/a", 0);
    assert_int_equal(count_between(&g, NULL, from, from + 2990000), 0);
    assert_int_equal(traffic_count(g.o, NULL, "/a"), 2);
    assert_int_equal(traffic_count(g.o, NULL, "/b"), 1);
    rig_close(&g);
}

/* Written down when the clock was a year fast: what is left of them is not known. */
static void moments_of_a_clock_that_was_set_back_hold_for_an_hour_at_most(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    const char *const *args = ARGS{ "seeds.txt", "--delay", "0", "-q", "--max-time", "20s", NULL };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/a\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", "-q", "-n", "0", NULL }), 5);
    program_change(&g.p, "UPDATE url SET next_fetch_at = (unixepoch() + 31536000) * 1000");
    assert_int_equal(program_crawl(&g.p, args), 0);
    assert_int_equal(traffic_count(g.o, NULL, "/a"), 1);

    program_change(&g.p, "UPDATE hosts SET next_fetch_at = (unixepoch() + 31536000) * 1000");
    assert_int_equal(program_crawl(&g.p, args), 0);
    assert_int_equal(traffic_count(g.o, NULL, "/a"), 2);

    program_change(&g.p, "UPDATE hosts SET crawl_delay_ms = 2000, backoff_until = (unixepoch() + 31536000) * 1000");
    assert_int_equal(program_crawl(&g.p, args), 0);
    assert_int_equal(traffic_count(g.o, NULL, "/a"), 2);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE reason = 'deferred'"), 1);
    /* So that the starts of the next hours do not defer it again, and again. */
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM hosts WHERE crawl_delay_ms = 2000 AND backoff_until"
                                          " <= (SELECT max(finished_at) + 3600000 FROM runs)"),
                     1);
    rig_close(&g);
}

/* A host that answered again begins anew, also in the next run: not where its last trouble had come to. */
static void failures_that_are_over_are_forgotten_in_the_file(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/a", .status = 503, .headers = "Retry-After: 1\r\n", .uses = 1 },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/a\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", "-q", NULL }), 0);
    assert_int_equal(traffic_count(g.o, NULL, "/a"), 2);
    assert_int_equal(program_number(&g.p, "SELECT max(failures) FROM hosts"), 0);
    rig_close(&g);
}

/* The first pause is of a second, give or take a quarter, the next of two: longer than this run waits. */
static void failures_of_an_earlier_start_make_the_next_pause_longer(void **state)
{
    static const struct origin_route routes[] = { NO_ROBOTS, { .path = "/a", .status = 503 } };
    const char *const *args = ARGS{ "seeds.txt", "--delay", "0", "--max-wait", "1400ms",
                                    "--retries",  "1",       "--revisit", "all", "-q",         NULL };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/a\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", "--retries", "0", "-q", NULL }), 0);
    program_change(&g.p, "UPDATE hosts SET next_fetch_at = NULL, backoff_until = NULL");

    assert_int_equal(program_crawl(&g.p, args), 0);

    assert_int_equal(traffic_count(g.o, NULL, "/a"), 2);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM events WHERE event = 'host-deferred'"), 1);
    rig_close(&g);
}

/* --- retries --------------------------------------------------------------------------------- */

static void broken_transfers_are_tried_again_within_the_budget(void **state)
{
    static const struct origin_step cut[] = {
        { .kind = ORIGIN_SEND,
          .bytes = LIT(
              "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 90\r\n\r\n<title>Half") },
        { .kind = ORIGIN_CLOSE },
    };
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/once", .script = cut, .n_steps = 2, .uses = 1 },
        { .path = "/always", .script = cut, .n_steps = 2 },
        { .path = "/408", .status = 408, .uses = 1 },
        { .path = "/421", .status = 421, .uses = 1 },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(
        &g, routes, 1,
        "http://127.0.0.1:$PORT/once\nhttp://127.0.0.1:$PORT/always\nhttp://127.0.0.1:$PORT/408\n"
        "http://127.0.0.1:$PORT/421\nhttp://127.0.0.1:$PORT/gone\n");

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "50ms",
                                               "--retries", "1", "-q", NULL }),
                     0);

    assert_string_equal(
        program_text(
            &g.p,
            "SELECT group_concat(outcome || attempt, ' ') FROM fetches f JOIN urls u ON u.id = f.url_id"
            " WHERE u.url LIKE '%/once'"),
        "incomplete1 ok2");
    assert_string_equal(rig_url(&g, "%/once", "state || ' ' || retries"), "fetched 1");
    assert_string_equal(
        rig_url(&g, "%/always", "state || ' ' || reason || ' ' || retries"),
        "failed incomplete 1");
    assert_string_equal(rig_url(&g, "%/408", "state || ' ' || retries"), "fetched 1");
    assert_string_equal(rig_url(&g, "%/421", "state || ' ' || retries"), "fetched 1");
    assert_int_not_equal(traffic_nth(g.o, NULL, "/421", 0)->connection, traffic_nth(g.o, NULL, "/421", 1)->connection);
    assert_int_equal(traffic_count(g.o, NULL, "/gone"), 1);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM pages WHERE title LIKE 'Half%'"), 0);
    assert_true(traffic_gap_us(g.o, NULL) >= 50000);
    rig_close(&g);
}

/* A server that is restarted takes connections and drops them. */
static void a_handshake_that_is_cut_is_tried_again(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .status = 404, .headers = "Connection: close\r\n" },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    rig_open(&g,
             &(struct origin_options){
                 .routes = routes, .n_routes = 2, .is_tls = true, .tls_cut_from = 2, .tls_cut_to = 3 },
             "https://127.0.0.1:$PORT/\n");

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "20ms", "-q", "--ca-file",
                                               origin_ca_file(g.o), NULL }),
                     0);

    assert_string_equal(rig_url(&g, "%", "state || ' ' || retries"), "fetched 2");
    assert_int_equal(origin_counts(g.o).connections, 4);
    rig_close(&g);
}

/* Promise P14: a run does not wait for one page for longer than --max-wait. */
static void a_second_try_too_far_away_is_left_out(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/500", .status = 500, .headers = "Retry-After: 600\r\n" },
        { .path = "/408", .status = 408, .headers = "Retry-After: 1\r\n", .uses = 1 },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1,
             "http://127.0.0.1:$PORT/500\nhttp://127.0.0.1:$PORT/408\n");

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "20ms",
                                               "--max-wait", "2s", "--max-time", "20s",
                                               "-q", NULL }),
                     0);

    assert_int_equal(traffic_count(g.o, NULL, "/500"), 1);
    assert_string_equal(rig_url(&g, "%/500", "state || ' ' || retries"), "fetched 0");
    assert_string_equal(rig_url(&g, "%/408", "state || ' ' || retries"), "fetched 1");
    rig_close(&g);
}

/* One after the other, so that a pause comes between two of them. */
static void make_next(void *arg, const struct origin_request *r, int *io_status, struct buf *out)
{
    int64_t n = 0;

    (void)arg;
    (void)io_status;
    (void)span_parse_i64(span_str(r->path + 1), &n);
    BUG_IF(buf_printf(out, "<title>P</title>%s", n < 60 ? "<a href=/" : "<p "));
    BUG_IF(buf_printf(out, "%lld>next</a>", (long long)n + 1));
}

/* Promise P14: robots.txt of one host may lead to another, which is the one that asks for a pause. */
static void a_pause_binds_the_host_that_a_robots_redirect_led_to(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt",
          .on = 2,
          .status = 302,
          .headers = "Location: http://127.0.0.1:$PORT/shared\r\n",
          .delay_ms = 300 },
        { .path = "/shared", .status = 429, .headers = "Retry-After: 2\r\n", .uses = 1 },
        { .path = "/shared", .headers = PLAIN },
        NO_ROBOTS,
        { .path = "*", .headers = HTML, .generate = make_next },
    };
    struct rig g;
    int64_t from;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.1:$PORT/1\nhttp://127.0.0.2:$PORT/60\n");

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "20ms", "-q", NULL }), 0);

    from = rig_start_us(&g, "127.0.0.1", "/shared", 0);
    assert_true(from >= 0);
    assert_int_equal(count_between(&g, "127.0.0.1", from, from + 2000000), 0);
    assert_int_equal(traffic_count(g.o, "127.0.0.1", "/60"), 1);
    assert_int_equal(traffic_count(g.o, "127.0.0.2", "/60"), 1);
    rig_close(&g);
}

/* The old rules go on holding, and so does what a host asks for instead of new ones: the second for too long. */
static void a_pause_binds_where_rules_are_read_again(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .on = 1, .headers = PLAIN, .uses = 1 },
        { .path = "/robots.txt", .on = 2, .headers = PLAIN, .uses = 1 },
        { .path = "/robots.txt", .on = 1, .status = 503, .headers = "Retry-After: 2\r\n", .uses = 1 },
        { .path = "/robots.txt", .on = 2, .status = 503, .headers = "Retry-After: 900\r\n" },
        { .path = "/robots.txt", .headers = PLAIN },
        { .path = "*", .headers = HTML, .generate = make_next },
    };
    struct rig g;
    int64_t from;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.1:$PORT/1\nhttp://127.0.0.2:$PORT/1\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", "--depth", "0", "-q", NULL }), 0);
    /* Fresh at the start of the next run, and not for long. */
    program_change(&g.p, "UPDATE robots SET expires_at = (strftime('%s', 'now') + 2) * 1000");

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "60ms", "-q", NULL }), 0);

    from = rig_start_us(&g, "127.0.0.1", "/robots.txt", 1);
    assert_true(from >= 0);
    assert_int_equal(count_between(&g, "127.0.0.1", from, from + 2000000), 0);
    assert_int_equal(traffic_count(g.o, "127.0.0.1", "/60"), 1);
    from = rig_start_us(&g, "127.0.0.2", "/robots.txt", 1);
    assert_true(from >= 0);
    assert_int_equal(count_between(&g, "127.0.0.2", from, INT64_MAX), 0);
    assert_string_equal(program_text(&g.p, "SELECT rule FROM urls WHERE reason = 'deferred' AND url LIKE '%.2:%'"),
                        "the host asked for a pause");
    rig_close(&g);
}

static const struct origin_step resets[] = { { .kind = ORIGIN_RESET } };

static void list_pages(void *arg, const struct origin_request *r, int *io_status, struct buf *out)
{
    (void)arg;
    (void)r;
    for (int i = 0; i < 30; i++)
        if (buf_printf(out, "<a href=/%d>x</a>", i))
            *io_status = 500;
}

/* It answers once. */
static const struct origin_route dying_routes[] = {
    NO_ROBOTS,
    { .path = "/", .headers = HTML, .generate = list_pages },
    { .path = "*", .script = resets, .n_steps = 1 },
};

/* A host that is dead is not asked for each of its URLs: they are deferred, and the run ends. */
static void a_host_that_does_not_answer_any_more_is_deferred(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, dying_routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--retries", "0", "--max-wait", "1s",
                                               "--per-host", "1", NULL }),
                     0);
    /* With robots.txt and the first page, whose connection the next one is asked over: lost there, once more. */
    assert_int_equal(traffic_count(g.o, NULL, NULL), 13);
    assert_string_equal(program_text(&g.p, "SELECT group_concat(n, ' ') FROM (SELECT state || ' ' || coalesce(reason, '')"
                                           " || ' ' || count(*) AS n FROM urls GROUP BY state, reason ORDER BY state)"),
                        "excluded deferred 20 failed connection_lost 10 fetched  1");
    assert_string_equal(program_text(&g.p, "SELECT DISTINCT rule FROM urls WHERE reason = 'deferred'"),
                        "the host did not answer many times in a row");
    rig_close(&g);
}

/* In the first of its pauses, of 16 s, nobody asks it. The file does not know of that: the next start asks at once. */
static void a_host_that_does_not_answer_any_more_is_left_alone_for_a_while(void **state)
{
    const char *const *args = ARGS{ "seeds.txt",  "-q", "--delay",    "0",  "--retries", "0",
                                    "--per-host", "1",  "--max-time", "2s", NULL };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, dying_routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, args), 5);
    assert_int_equal(traffic_count(g.o, NULL, NULL), 13);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM events WHERE event = 'host-silent'"), 1);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'queued'"), 20);
    assert_int_equal(program_crawl(&g.p, args), 5);
    assert_int_equal(traffic_count(g.o, NULL, NULL), 23);
    rig_close(&g);
}

/* Who deferred them did not answer: they are as missed as those that failed. */
static void seeds_of_a_host_that_never_answers_are_not_reached(void **state)
{
    static const struct origin_route routes[] = { { .path = "*", .script = resets, .n_steps = 1 } };
    char seeds[1024];
    struct rig g;
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 20; i++)
        n += (size_t)snprintf(seeds + n, sizeof seeds - n, "http://127.0.0.1:$PORT/%d\n", i);
    RIG_OPEN(&g, routes, 1, seeds);
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--no-robots", "--delay", "0", "--max-wait", "1s",
                                               "--per-host", "1", NULL }),
                     4);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE reason = 'deferred'"), 20);
    rig_close(&g);
}

/* None of its URLs had all its tries. */
static void a_host_that_was_given_up_is_a_failure(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, dying_routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--retries", "9", "--max-wait", "1s",
                                               "--per-host", "1", "--fail-on", "failed", NULL }),
                     1);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'failed'"), 0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE reason = 'deferred'"), 30);
    rig_close(&g);
}

/* Nine of ten requests without an answer: no pause. */
static void a_host_that_answers_now_and_then_goes_on_being_asked(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/", .headers = HTML, .generate = list_pages },
        { .path = "/9", .headers = HTML, .body = PAGE },
        { .path = "/19", .headers = HTML, .body = PAGE },
        { .path = "/29", .headers = HTML, .body = PAGE },
        { .path = "*", .script = resets, .n_steps = 1 },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--retries", "0", "--max-wait", "1s",
                                               "--per-host", "1", NULL }),
                     0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'failed'"), 27);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'fetched'"), 4);
    rig_close(&g);
}

/* Its pages are deferred, and the run ends without them: so it does without its other documents. */
static void nobody_waits_for_a_host_that_is_deferred(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt",
          .on = 1,
          .status = 301,
          .delay_ms = 2500,
          .headers = "Location: http://127.0.0.2:$PORT/robots.txt\r\n" },
        NO_ROBOTS,
        { .path = "*", .status = 503, .headers = "Retry-After: 900\r\n" },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.1:$PORT/\nhttp://127.0.0.2:$PORT/page\n");

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "100ms", NULL }),
                     0);

    assert_int_equal(traffic_count(g.o, "127.0.0.2", NULL), 2);
    assert_string_equal(program_text(&g.p, "SELECT rule FROM urls WHERE url LIKE '%.1:%'"),
                        "robots.txt: the host asked for a pause");
    rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pause_is_remembered_across_a_kill),
        cmocka_unit_test(moments_of_a_clock_that_was_set_back_hold_for_an_hour_at_most),
        cmocka_unit_test(failures_that_are_over_are_forgotten_in_the_file),
        cmocka_unit_test(failures_of_an_earlier_start_make_the_next_pause_longer),
        cmocka_unit_test(broken_transfers_are_tried_again_within_the_budget),
        cmocka_unit_test(a_handshake_that_is_cut_is_tried_again),
        cmocka_unit_test(a_second_try_too_far_away_is_left_out),
        cmocka_unit_test(a_pause_binds_the_host_that_a_robots_redirect_led_to),
        cmocka_unit_test(a_pause_binds_where_rules_are_read_again),
        cmocka_unit_test(a_host_that_does_not_answer_any_more_is_deferred),
        cmocka_unit_test(a_host_that_does_not_answer_any_more_is_left_alone_for_a_while),
        cmocka_unit_test(seeds_of_a_host_that_never_answers_are_not_reached),
        cmocka_unit_test(a_host_that_was_given_up_is_a_failure),
        cmocka_unit_test(a_host_that_answers_now_and_then_goes_on_being_asked),
        cmocka_unit_test(nobody_waits_for_a_host_that_is_deferred),
    };
    const struct CMUnitTest pausing[] = {
        cmocka_unit_test(retry_after_seconds_stops_the_whole_host),
        cmocka_unit_test(retry_after_date_stops_the_whole_host),
        cmocka_unit_test(without_retry_after_the_host_waits_exponentially),
        cmocka_unit_test(useless_retry_after_counts_as_none),
        cmocka_unit_test(pause_beyond_max_wait_defers_the_others),
        cmocka_unit_test(robots_txt_pauses_too),
        cmocka_unit_test(robots_txt_with_a_pause_beyond_max_wait_defers_its_host),
        cmocka_unit_test(status_500_concerns_the_url_alone),
        cmocka_unit_test(next_start_remembers_the_pause),
    };

    return cmocka_run_group_tests_name("flow/pauses", tests, NULL, NULL) +
           cmocka_run_group_tests_name("flow/pauses: one crawl", pausing,
                                       crawl_pausing_hosts, end_pauses);
}
