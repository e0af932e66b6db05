/* SPDX-License-Identifier: MIT */
/*
 * Politeness as the server sees it: the time from the end of one request to
 * the start of the next on a host, across everything that makes requests; and
 * permits.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/kit/nameserver.h"
#include "tests/kit/rig.h"

#define MAX_TEXT_SIZE 8192

/* --- gaps ------------------------------------------------------------------------------- */

static void gap_holds_between_requests_of_every_kind(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt",
          .on = 1,
          .status = 302,
          .headers = "Location: /r\r\n" },
        { .path = "/r",
          .on = 1,
          .headers = PLAIN,
          .body = LIT("Sitemap: /map.xml\nSitemap: /moved.xml\n") },
        { .path = "/moved.xml",
          .on = 1,
          .status = 301,
          .headers = "Location: /map2.xml\r\n" },
        { .path = "/map*",
          .on = 1,
          .headers = "Content-Type: text/xml\r\n",
          TEXT_OF(
              "<urlset><url><loc>http://127.0.0.1:$PORT/mapped</loc></url></urlset>") },
        { .path = "/robots.txt", .status = 404 },
        { .path = "/",
          .on = 1,
          .headers = HTML,
          .body = LIT("<a href=/hop>1</a><a href=/flaky>2</a><a href=/there>3</a>") },
        { .path = "/hop", .status = 302, .headers = "Location: /landed\r\n" },
        { .path = "/flaky", .status = 500, .uses = 2 },
        { .path = "/there",
          .on = 1,
          .status = 302,
          .headers = "Location: http://127.0.0.2:$PORT/back\r\n" },
        { .path = "/back",
          .on = 2,
          .status = 302,
          .headers = "Location: http://127.0.0.1:$PORT/returned\r\n" },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(
        &g, routes, 3,
        "http://127.0.0.1:$PORT/\nhttp://127.0.0.2:$PORT/\nhttp://127.0.0.3:$PORT/a\nhttp://127.0.0.3:$PORT/b\n");
    program_write(&g.p, "crawl.conf",
                  SPAN("delay = 250ms\n[host \"127.0.0.3\"]\ndelay = 700ms\n"));

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", NULL }), 0);

    assert_int_equal(traffic_count(g.o, "127.0.0.1", NULL), 14);
    assert_true(traffic_gap_us(g.o, "127.0.0.1") >= 250000);
    assert_true(traffic_gap_us(g.o, "127.0.0.2") >= 250000);
    assert_true(traffic_gap_us(g.o, "127.0.0.3") >= 700000);
    assert_true(traffic_gap_us(g.o, "127.0.0.1") < 400000);
    rig_close(&g);
}

static void forbidden_urls_cost_no_delay(void **state)
{
    static char home[MAX_TEXT_SIZE];
    struct origin_route routes[] = {
        { .path = "/robots.txt",
          .headers = PLAIN,
          .body = LIT("User-agent: *\nDisallow: /no\n") },
        { .path = "/", .headers = HTML },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 50; i++)
        n += (size_t)snprintf(home + n, sizeof home - n, "<a href=/no/%d>no</a>", i);
    n += (size_t)snprintf(home + n, sizeof home - n, "<a href=/yes>yes</a>");
    routes[1].body = span_make(home, n);
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");

    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "300ms", "-q", NULL }), 0);

    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE reason = 'robots'"), 50);
    assert_true(rig_start_us(&g, NULL, "/yes", 0) - rig_end_us(&g, NULL, "/", 0) <
                800000);
    assert_true(traffic_gap_us(g.o, NULL) >= 300000);
    rig_close(&g);
}

static void slow_answers_stretch_the_gap_unless_delay_is_zero(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "*", .headers = HTML, .body = PAGE, .delay_ms = 400 },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(
        &g, routes, 2,
        "http://127.0.0.1:$PORT/a\nhttp://127.0.0.1:$PORT/b\nhttp://127.0.0.2:$PORT/a\nhttp://127.0.0.2:$PORT/b\n");
    program_write(&g.p, "crawl.conf",
                  SPAN("delay = 50ms\n[host \"127.0.0.2\"]\ndelay = 0\n"));

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", NULL }), 0);

    assert_true(rig_start_us(&g, "127.0.0.1", "/b", 0) -
                    rig_end_us(&g, "127.0.0.1", "/a", 0) >=
                400000);
    assert_true(rig_start_us(&g, "127.0.0.2", "/b", 0) -
                    rig_end_us(&g, "127.0.0.2", "/a", 0) <
                200000);
    rig_close(&g);
}

static void gap_holds_across_a_kill_and_a_stop(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML,
          .body = LIT(
              "<a href=/1>1</a><a href=/2>2</a><a href=/3>3</a><a href=/4>4</a><a href=/5>5</a>") },
        { .path = "*", .headers = HTML, .body = PAGE, .delay_ms = 30 },
    };
    const char *const *args = ARGS{ "seeds.txt", "--delay", "400ms", "-q", NULL };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    program_start_crawl(&g.p, args);
    assert_true(traffic_wait(g.o, NULL, NULL, 3));
    program_kill(&g.p);
    program_start_crawl(&g.p, args);
    assert_true(traffic_wait(g.o, NULL, NULL, 5));
    program_signal(&g.p, SIGINT);
    assert_int_equal(program_wait(&g.p), 130);

    assert_int_equal(program_crawl(&g.p, args), 0);

    assert_true(traffic_gap_us(g.o, NULL) >= 400000);
    assert_int_equal(traffic_count(g.o, NULL, "/robots.txt"), 1);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'fetched'"), 6);
    rig_close(&g);
}

/* --- permits ------------------------------------------------------------------------------ */

static const struct origin_route slow_routes[] = {
    NO_ROBOTS,
    { .path = "*", .headers = HTML, .body = PAGE, .delay_ms = 120 },
};

static size_t peak_with(const char *option, const char *value)
{
    struct rig g;
    size_t peak;

    RIG_OPEN(
        &g, slow_routes, 1,
        "http://127.0.0.1:$PORT/1\nhttp://127.0.0.1:$PORT/2\nhttp://127.0.0.1:$PORT/3\nhttp://127.0.0.1:$PORT/4\n"
        "http://127.0.0.1:$PORT/5\nhttp://127.0.0.1:$PORT/6\nhttp://127.0.0.1:$PORT/7\nhttp://127.0.0.1:$PORT/8\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", "-q",
                                               option, value, NULL }),
                     0);
    peak = origin_counts(g.o).peak_in_flight;
    rig_close(&g);
    return peak;
}

static void one_request_at_a_time_unless_per_host_says_more(void **state)
{
    (void)state;
    assert_int_equal(peak_with("--retries", "2"), 1);
    assert_int_equal(peak_with("--per-host", "3"), 3);
}

static size_t peak_over_names(const char *option, const char *value)
{
    static const struct nameserver_record records[] = {
        { .name = "*.many.test", .addresses = "127.0.0.1", .ttl_s = 60 }
    };
    struct nameserver *ns = nameserver_start(records, ARRAY_LEN(records));
    char seeds[2048];
    struct rig g;
    size_t n = 0, peak;

    for (int i = 0; i < 24; i++)
        n += (size_t)snprintf(seeds + n, sizeof seeds - n,
                              "http://h%d.many.test:$PORT/\n", i);
    RIG_OPEN(&g, slow_routes, 1, seeds);
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", "--dns",
                                  nameserver_text(ns), "-q", option, value, NULL }),
        0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM pages"), 24);
    peak = origin_counts(g.o).peak_here;
    rig_close(&g);
    nameserver_stop(ns);
    return peak;
}

static void many_names_on_one_address_share_its_permits(void **state)
{
    (void)state;
    assert_int_equal(peak_over_names("--retries", "2"), 8);
    assert_int_equal(peak_over_names("--per-ip", "3"), 3);
}

#define N_BUSY 10 /* names on the busy address */

static const struct nameserver_record busy_records[] = {
    { .name = "*.busy.test", .addresses = "127.0.0.1", .ttl_s = 60 }
};

static const char *busy_seeds(const char *more)
{
    static char seeds[2048];
    size_t n = 0;

    for (int i = 0; i < N_BUSY; i++)
        n += (size_t)snprintf(seeds + n, sizeof seeds - n,
                              "http://h%d.busy.test:$PORT/\n", i);
    (void)snprintf(seeds + n, sizeof seeds - n, "%s", more);
    return seeds;
}

static void waiting_for_an_address_costs_the_request_no_time(void **state)
{
    struct nameserver *ns = nameserver_start(busy_records, ARRAY_LEN(busy_records));
    struct rig g;

    (void)state;
    RIG_OPEN(&g, slow_routes, 1, busy_seeds(""));

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", "--dns",
                                               nameserver_text(ns), "--per-ip", "1",
                                               "--timeout", "700ms", "-q", NULL }),
                     0);

    assert_int_equal(traffic_count(g.o, NULL, "/"), N_BUSY);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM fetches WHERE outcome = 'ok'"),
        N_BUSY);
    assert_in_range(program_number(&g.p, "SELECT max(total_ms) FROM fetches"), 120,
                    690);
    rig_close(&g);
    nameserver_stop(ns);
}

/* Promise P11: a host that is waited for takes no place from the others. */
static void who_waits_for_an_address_takes_no_place_from_others(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "*", .on = 1, .headers = HTML, .body = PAGE, .delay_ms = 250 },
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML,
          .body = LIT("<a href=/1>1</a><a href=/2>2</a><a href=/3>3</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct nameserver *ns = nameserver_start(busy_records, ARRAY_LEN(busy_records));
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 2, busy_seeds("http://127.0.0.2:$PORT/\n"));

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", "--dns",
                                               nameserver_text(ns), "--per-ip", "1",
                                               "-c", "3", "--rate", "20", "-q", NULL }),
                     0);

    assert_int_equal(traffic_count(g.o, "127.0.0.2", NULL), 5);
    /* Five of its own, and no more than five of the twenty of the others. */
    assert_true(rig_end_us(&g, "127.0.0.2", NULL, 4) < rig_start_us(&g, NULL, NULL, 10));
    assert_int_equal(traffic_count(g.o, NULL, "/"), N_BUSY + 1);
    /* Ten steps of 50 ms; one request may come to the server late. */
    for (size_t i = 10; i < traffic_count(g.o, NULL, NULL); i++)
        assert_true(rig_start_us(&g, NULL, NULL, i) -
                        rig_start_us(&g, NULL, NULL, i - 10) >
                    300000);
    rig_close(&g);
    nameserver_stop(ns);
}

static void concurrency_limits_everything_in_flight(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .status = 404, .delay_ms = 100 },
        { .path = "*", .headers = HTML, .body = PAGE, .delay_ms = 100 },
    };
    char seeds[2048];
    struct rig g;
    size_t n = 0;

    (void)state;
    for (int i = 1; i <= 30; i++)
        n += (size_t)snprintf(seeds + n, sizeof seeds - n, "http://127.0.0.%d:$PORT/\n",
                              i);
    RIG_OPEN(&g, routes, 30, seeds);

    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", "-c", "6", "-q", NULL }),
        0);

    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM pages"), 30);
    assert_int_equal(origin_counts(g.o).peak_in_flight, 6);
    rig_close(&g);
}

static void rate_limits_starts_of_all_hosts_together(void **state)
{
    char seeds[2048];
    struct rig g;
    size_t n = 0, requests;
    int64_t took;

    (void)state;
    for (int i = 1; i <= 10; i++)
        n += (size_t)snprintf(seeds + n, sizeof seeds - n,
                              "http://127.0.0.%d:$PORT/\nhttp://127.0.0.%d:$PORT/b\n",
                              i, i);
    RIG_OPEN(&g, slow_routes, 10, seeds);

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", "--rate",
                                               "20", "-q", NULL }),
                     0);

    requests = traffic_count(g.o, NULL, NULL);
    took = rig_start_us(&g, NULL, NULL, requests - 1) - rig_start_us(&g, NULL, NULL, 0);
    assert_int_equal(requests, 30);
    assert_in_range(took, 29 * 50000 - 20000, 29 * 50000 + 10000000);
    rig_close(&g);
}

/* --- a kept-alive connection that died -------------------------------------------------------- */

static void dead_connection_is_asked_again_uncharged_and_not_at_once(void **state)
{
    static const struct origin_step reset[] = { { .kind = ORIGIN_RESET } };
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/b", .script = reset, .n_steps = 1, .uses = 1 },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(
        &g, routes, 1,
        "http://127.0.0.1:$PORT/a\nhttp://127.0.0.1:$PORT/b\nhttp://127.0.0.1:$PORT/c\n");

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "200ms",
                                               "--retries", "0", "-q", NULL }),
                     0);

    assert_int_equal(traffic_count(g.o, NULL, "/b"), 2);
    assert_true(traffic_gap_us(g.o, NULL) >= 200000);
    assert_string_equal(
        program_text(&g.p, "SELECT state || retries FROM urls WHERE url LIKE '%/b'"),
        "fetched0");
    rig_close(&g);
}

/*
 * A server that closes its idle connections closes them together: what was lost with one is not sent over another.
 * The page that links to /b comes after the other seeds, each on a connection of its own, so four are idle then;
 * libcurl takes up a second one, and is stopped there, before it says that the first is lost.
 */
static void what_a_kept_connection_lost_goes_over_a_new_one(void **state)
{
    static const struct origin_step reset[] = { { .kind = ORIGIN_RESET } };
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/a*", .headers = HTML, .body = PAGE, .delay_ms = 300 },
        { .path = "/c", .headers = HTML, .body = LIT("<a href=/b>b</a>"), .delay_ms = 600 },
        { .path = "/b", .script = reset, .n_steps = 1, .uses = 1 },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/c\nhttp://127.0.0.1:$PORT/a1\n"
                         "http://127.0.0.1:$PORT/a2\nhttp://127.0.0.1:$PORT/a3\n");

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", "--per-host", "4", "-q", NULL }), 0);

    assert_int_equal(traffic_count(g.o, NULL, "/b"), 2);
    assert_true(traffic_nth(g.o, NULL, "/b", 0)->n_on_connection > 1);
    assert_int_equal(traffic_nth(g.o, NULL, "/b", 1)->n_on_connection, 1);
    assert_string_equal(rig_url(&g, "%/b", "state || retries"), "fetched0");
    rig_close(&g);
}

/* --- no room for bodies ------------------------------------------------------------------- */

#define N_LARGE    16
#define LARGE_HALF ((size_t)1500 * 1024)

/*
 * Together they are three times what memory holds. Each that had to make room for others is asked for again when there
 * is more room for it, a few times at most.
 */
static void large_bodies_beyond_memory_are_asked_for_few_times_and_all_come(void **state)
{
    static char half[LARGE_HALF];
    const struct origin_step large[] = {
        { .kind = ORIGIN_SEND, .bytes = LIT("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n") },
        { .kind = ORIGIN_SEND, .bytes = { half, sizeof half } },
        { .kind = ORIGIN_PAUSE, .n = 400 },
        { .kind = ORIGIN_SEND, .bytes = { half, sizeof half } },
        { .kind = ORIGIN_CLOSE },
    };
    const struct origin_route routes[] = { NO_ROBOTS, { .path = "*", .script = large, .n_steps = ARRAY_LEN(large) } };
    char seeds[1024];
    struct rig g;
    size_t n = 0;

    (void)state;
    memset(half, '\n', sizeof half);
    for (int i = 1; i <= N_LARGE; i++)
        n += (size_t)snprintf(seeds + n, sizeof seeds - n, "http://127.0.0.%d:$PORT/\n", i);
    RIG_OPEN(&g, routes, N_LARGE, seeds);

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--retries", "0", "--max-memory",
                                               "64M", NULL }),
                     0);

    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM fetches WHERE outcome = 'ok' AND size > 3000000"),
                     N_LARGE);
    assert_true(traffic_count(g.o, NULL, "/") > N_LARGE);
    for (int i = 1; i <= N_LARGE; i++) {
        char host[32];

        snprintf(host, sizeof host, "127.0.0.%d", i);
        assert_in_range(traffic_count(g.o, host, "/"), 1, 5); /* with 64 KiB, 256 KiB, 1 MiB, 4 MiB of room at least */
    }
    rig_close(&g);
}

/* Nothing is queued while its page is asked for, each time: it is read over the connection of its robots.txt all the same. */
static void a_site_that_is_a_chain_of_pages_is_read_over_one_connection(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/", .headers = HTML, .body = LIT("<a href=/1>1</a>") },
        { .path = "/1", .headers = HTML, .body = LIT("<a href=/2>2</a>") },
        { .path = "/2", .headers = HTML, .body = LIT("<a href=/3>3</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_int_equal(origin_counts(g.o).requests, 5);
    assert_int_equal(origin_counts(g.o).connections, 1);
    rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_that_is_a_chain_of_pages_is_read_over_one_connection),
        cmocka_unit_test(gap_holds_between_requests_of_every_kind),
        cmocka_unit_test(forbidden_urls_cost_no_delay),
        cmocka_unit_test(slow_answers_stretch_the_gap_unless_delay_is_zero),
        cmocka_unit_test(gap_holds_across_a_kill_and_a_stop),
        cmocka_unit_test(one_request_at_a_time_unless_per_host_says_more),
        cmocka_unit_test(many_names_on_one_address_share_its_permits),
        cmocka_unit_test(waiting_for_an_address_costs_the_request_no_time),
        cmocka_unit_test(who_waits_for_an_address_takes_no_place_from_others),
        cmocka_unit_test(concurrency_limits_everything_in_flight),
        cmocka_unit_test(rate_limits_starts_of_all_hosts_together),
        cmocka_unit_test(dead_connection_is_asked_again_uncharged_and_not_at_once),
        cmocka_unit_test(what_a_kept_connection_lost_goes_over_a_new_one),
        cmocka_unit_test(large_bodies_beyond_memory_are_asked_for_few_times_and_all_come),
    };

    return cmocka_run_group_tests_name("flow/politeness", tests, NULL, NULL);
}
