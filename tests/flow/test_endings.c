/* SPDX-License-Identifier: MIT */
/*
 * How the program ends: exit codes, signals, and a database that is in use.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "tests/kit/nameserver.h"
#include "tests/kit/rig.h"

static void nobody_reached_is_4(void **state)
{
    struct program p;

    (void)state;
    program_open(&p);
    program_crawl(&p, ARGS{ "http://127.0.0.1:1/", "http://nowhere.test/", "--delay",
                            "0", "--connect-timeout", "300ms", "-q", NULL });
    assert_int_equal(p.exit_code, 4);
    assert_true(program_said(&p, "no seed could be reached: http://127.0.0.1:1/: ")); /* cron mails what is printed */
    assert_int_equal(
        program_number(&p,
                       "SELECT count(*) FROM urls WHERE reason = 'robots_unreachable'"),
        2);
    program_close(&p);
}

/* A pause of our own between the tries is no wish of the server's, which would be known of then. */
static void nobody_reached_is_4_where_nobody_is_waited_for(void **state)
{
    struct program p;

    (void)state;
    program_open(&p);
    program_crawl(&p, ARGS{ "http://127.0.0.1:1/", "--delay", "0", "--max-wait", "0", "-q", NULL });
    assert_int_equal(p.exit_code, 4);
    assert_true(program_said(&p, "no seed could be reached: http://127.0.0.1:1/: robots.txt: connect_failed"));
    program_close(&p);
}

static void a_refused_address_is_told_with_the_option_that_allows_it(void **state)
{
    struct program p;

    (void)state;
    program_open(&p);
    assert_int_equal(program_run(&p, ARGS{ "http://127.0.0.1:1/", "-q", NULL }), 4);
    assert_true(program_said(&p, "no seed could be reached: http://127.0.0.1:1/: loopback address (--allow-net); "));
    assert_int_equal(program_run(&p, ARGS{ "extract", "--rule", "a=//a", "http://127.0.0.1:1/", NULL }), 1);
    assert_true(program_said(&p, "its robots.txt cannot be had: blocked_address, loopback address (--allow-net)"));
    program_close(&p);
}

static void fail_on_makes_it_1(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/", .headers = HTML, .body = LIT("<a href=/gone>gone</a>") },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\nnot a url\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--fail-on", "bad-seed", NULL }),
                     1);
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--fail-on",
                                  "failed,http-errors", NULL }),
        1);
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--fail-on", "failed", NULL }),
                     0);
    rig_close(&g);
}

/* One of several sites that is down for weeks: nothing is asked there, so that no URL fails. */
static void a_host_without_a_readable_robots_txt_is_a_failure(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .on = 2, .status = 503, .uses = 1 },
        NO_ROBOTS,
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    const char *const *args = ARGS{ "seeds.txt", "-q", "--delay", "0", "--max-wait", "0", "--fail-on", "failed", NULL };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.1:$PORT/\nhttp://127.0.0.2:$PORT/\nhttp://127.0.0.2:$PORT/a\n");
    assert_int_equal(program_crawl(&g.p, args), 1);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE reason = 'robots_unreachable'"), 2);
    assert_int_equal(program_crawl(&g.p, args), 0);
    rig_close(&g);
}

/* Every answered request stands in one of the counts, whatever became of its body. */
static void the_summary_counts_every_answer(void **state)
{
    static const struct origin_step cut[] = {
        { .kind = ORIGIN_SEND,
          .bytes = LIT("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
                       "Content-Length: 100\r\n\r\n<title>cut") },
        { .kind = ORIGIN_CLOSE },
    };
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML,
          .body = LIT("<a href=/cut>1</a><a href=/gone>2</a><a href=/hop>3</a>") },
        { .path = "/cut", .script = cut, .n_steps = ARRAY_LEN(cut) },
        { .path = "/gone", .status = 404 },
        MOVED_TO("/hop", "/"),
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--retries", "0", "--delay",
                                               "0", NULL }),
                     0);
    assert_true(span_find_span(buf_span(&g.p.err),
                               SPAN("answers   1 ok, 1 redirect, 1 client or server "
                                    "error, 1 incomplete\n")) < g.p.err.len);
    rig_close(&g);
}

static const struct origin_route hanging[] = {
    NO_ROBOTS,
    { .path = "/slow", .headers = HTML, .body = PAGE, .delay_ms = 600 },
    { .path = "/hang", .headers = HTML, .body = PAGE, .delay_ms = 60000 },
    { .path = "*", .headers = HTML, .body = PAGE },
};

static void signal_finishes_what_is_in_flight_and_saves(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, hanging, 1, "http://127.0.0.1:$PORT/slow\nhttp://127.0.0.1:$PORT/2\n");
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "10ms", NULL });
    assert_true(traffic_wait(g.o, NULL, "/slow", 1));
    program_signal(&g.p, SIGTERM);
    assert_int_equal(program_wait(&g.p), 143);
    assert_string_equal(rig_url(&g, "%/slow", "state"), "fetched");
    assert_string_equal(rig_url(&g, "%/2", "state"), "queued");
    assert_int_equal(traffic_count(g.o, NULL, "/2"), 0);
    assert_true(program_said(&g.p, "same command goes on"));
    assert_string_equal(
        program_text(&g.p, "SELECT state || ' ' || stop_reason FROM runs"),
        "stopped signal");
    rig_close(&g);
}

/* Half a number would be a wrong one. */
static void the_line_of_progress_shows_whole_parts_only(void **state)
{
    static const char *const ends[] = { " pages", "/s", " in flight", " queued", " errors" };
    struct rig g;
    struct span rest, line;

    (void)state;
    RIG_OPEN(&g, hanging, 1, "http://127.0.0.1:$PORT/slow\nhttp://127.0.0.1:$PORT/2\n");
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "10ms", "--progress", "tty", "--fresh", NULL });
    assert_true(traffic_wait(g.o, NULL, "/slow", 1));
    program_signal(&g.p, SIGTERM);
    assert_int_equal(program_wait(&g.p), 143);
    assert_true(program_said(&g.p, "\rstopping (^C again: at once), 0 pages, 0/s, 1 in flight"));
    assert_true(program_said(&g.p, "the same command without --fresh goes on from here"));
    rest = buf_span(&g.p.err);
    while (span_split(&rest, '\r', &line)) {
        struct span text = span_slice(line, 0, span_find_span(line, SPAN("\x1b[K")));
        bool is_whole = !span_starts(text, SPAN("stopping"));

        for (size_t i = 0; i < ARRAY_LEN(ends); i++)
            is_whole |= span_ends(text, span_str(ends[i]));
        if (!is_whole || text.len > 77)
            fail_msg("'%.*s'", SPAN_ARG(text));
    }
    rig_close(&g);
}

static void second_signal_ends_it_within_a_second(void **state)
{
    struct rig g;
    int64_t at;

    (void)state;
    RIG_OPEN(&g, hanging, 1, "http://127.0.0.1:$PORT/hang\n");
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "10ms", NULL });
    assert_true(traffic_wait(g.o, NULL, "/hang", 1));
    program_signal(&g.p, SIGINT);
    usleep(100000); /* two signals at once would be one */
    program_signal(&g.p, SIGINT);
    at = clock_now_ns();
    assert_int_equal(program_wait(&g.p), 130);
    assert_true(clock_now_ns() - at < NS_PER_S);
    assert_string_equal(rig_url(&g, "%/hang", "state || retries"), "queued0");
    assert_string_equal(program_text(&g.p, "PRAGMA integrity_check"), "ok");
    rig_close(&g);
}

/* So many that the pattern below takes minutes over them. */
static void make_page_for_a_slow_pattern(void *arg, const struct origin_request *r, int *io_status, struct buf *out)
{
    (void)arg;
    (void)io_status;
    if (strcmp(r->path, "/") != 0)
        return;
    for (int i = 0; i < 20000; i++)
        BUG_IF(buf_printf(out, "<a href=/%040d!>x</a>", i) != OK);
}

/* Such a page is not recorded in part: it stays queued. */
static void second_signal_ends_a_page_made_for_a_slow_pattern(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "*", .headers = HTML, .generate = make_page_for_a_slow_pattern },
    };
    struct rig g;
    int64_t at;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", "--exclude", "/(\\w+)+$", NULL });
    assert_true(traffic_wait(g.o, NULL, "/", 1));
    usleep(500000); /* its links are looked at */
    program_signal(&g.p, SIGINT);
    usleep(100000);
    program_signal(&g.p, SIGINT);
    at = clock_now_ns();
    assert_int_equal(program_wait(&g.p), 130);
    assert_true(clock_now_ns() - at < 5 * NS_PER_S);
    assert_true(program_said(&g.p, "1 more request was made"));
    assert_string_equal(program_text(&g.p, "SELECT group_concat(state) FROM urls"), "queued");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--depth", "0", NULL }), 0);
    assert_string_equal(rig_url(&g, "%/", "state"), "fetched");
    rig_close(&g);
}

/* What a start has not decided again then, the next one does. */
static void a_signal_ends_a_start_that_a_slow_pattern_holds_up(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "*", .headers = HTML, .generate = make_page_for_a_slow_pattern },
    };
    struct rig g;
    int64_t at;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "-n", "1", NULL }), 5);
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--exclude", "/(\\w+)+$", NULL });
    usleep(1000000); /* it has begun */
    program_signal(&g.p, SIGTERM);
    at = clock_now_ns();
    assert_int_equal(program_wait(&g.p), 143);
    assert_true(clock_now_ns() - at < 5 * NS_PER_S);
    assert_true(program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'queued'") > 0);
    assert_true(program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'excluded'") > 0);
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--exclude", "/0", NULL }), 0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE instr(rule, '/0')"), 20000);
    assert_int_equal(traffic_count(g.o, NULL, NULL), 2); /* the page and its robots.txt */
    rig_close(&g);
}

static void who_waits_for_the_end_is_told_how_to_hasten_it(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, hanging, 1, "http://127.0.0.1:$PORT/hang\n");
    program_start(&g.p, ARGS{ "seeds.txt", "--allow-net", "127.0.0.0/8", "--delay", "10ms", "--progress", "tty", NULL });
    assert_true(traffic_wait(g.o, NULL, "/hang", 1));
    program_signal(&g.p, SIGINT);
    usleep(1000000); /* a few lines are drawn */
    program_signal(&g.p, SIGINT);
    assert_int_equal(program_wait(&g.p), 130);
    assert_true(program_said(&g.p, "\rstopping (^C again: at once), 0 pages"));
    rig_close(&g);
}

static void first_signal_waits_five_seconds_at_most(void **state)
{
    struct rig g;
    int64_t at, took;

    (void)state;
    RIG_OPEN(&g, hanging, 1, "http://127.0.0.1:$PORT/hang\n");
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "10ms", NULL });
    assert_true(traffic_wait(g.o, NULL, "/hang", 1));
    at = clock_now_ns();
    program_signal(&g.p, SIGHUP); /* without --log as SIGTERM */
    assert_int_equal(program_wait(&g.p), 143);
    took = (clock_now_ns() - at) / NS_PER_MS;
    assert_in_range(took, 4500, 15000); /* the page hangs for longer */
    rig_close(&g);
}

static void signal_ends_at_once_what_only_waits(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt",
          .on = 1,
          .status = 503,
          .headers = "Retry-After: 60\r\n" },
        { .path = "/robots.txt",
          .on = 2,
          .headers = PLAIN,
          .body = LIT("User-agent: *\nCrawl-delay: 50\nSitemap: /map.xml\n") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;
    int64_t at;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.1:$PORT/\nhttp://127.0.0.2:$PORT/\n");
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "10ms", NULL });
    assert_true(traffic_wait(g.o, NULL, "/robots.txt", 2));
    usleep(200000); /* its answers arrive */
    at = clock_now_ns();
    program_signal(&g.p, SIGINT);
    assert_int_equal(program_wait(&g.p), 130);
    assert_true(clock_now_ns() - at < 1500 * NS_PER_MS);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'queued'"), 2);
    rig_close(&g);
}

static void unknown_name_is_final_without_robots_too(void **state)
{
    static const struct nameserver_record records[] = {
        { .name = "known.test", .addresses = "127.0.0.1", .ttl_s = 60 }
    };
    struct nameserver *ns = nameserver_start(records, ARRAY_LEN(records));
    struct program p;

    (void)state;
    program_open(&p);
    assert_int_equal(
        program_crawl(&p, ARGS{ "http://unknown.test/", "-q", "--no-robots", "--dns",
                                nameserver_text(ns), NULL }),
        4);
    assert_string_equal(
        program_text(&p, "SELECT state || ' ' || reason || ' ' || retries FROM urls"),
        "failed dns_failed 0");
    program_close(&p);
    nameserver_stop(ns);
}

/* Name servers may stand in a file like resolv.conf(5), which knows no ports. */
static void name_servers_are_read_from_a_file(void **state)
{
    static const struct nameserver_record records[] = {
        { .name = "known.test", .addresses = "127.0.0.1", .ttl_s = 60 }
    };
    static const struct origin_route routes[] = { NO_ROBOTS, { .path = "/", .headers = HTML, .body = LIT("known") } };
    struct nameserver *ns = nameserver_start_at("127.0.0.79", 53, records, ARRAY_LEN(records));
    struct rig g;

    (void)state;
    if (!ns)
        skip(); /* needs to be root, and the port free */
    RIG_OPEN(&g, routes, 1, "http://known.test:$PORT/\n");
    program_write(&g.p, "servers", SPAN("nameserver 127.0.0.79\n"));
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--dns", program_path(&g.p, "servers"), NULL }), 0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM fetches WHERE outcome = 'ok'"), 1);
    rig_close(&g);
    nameserver_stop(ns);
}

/* A run of several starts is judged by all of them. */
static void fail_on_http_errors_looks_at_the_whole_run(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/", .headers = HTML, .body = LIT("<a href=/gone>1</a><a href=/b>2</a>") },
        { .path = "/gone", .status = 404 },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "-n", "2", NULL }), 5);
    assert_string_equal(rig_url(&g, "%/gone", "state"), "fetched");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--fail-on", "http-errors", NULL }),
                     1);
    rig_close(&g);
}

/* Pages that are not due keep nobody from seeing that the network is gone; nothing being due is no failure. */
static void nobody_reached_is_4_also_where_little_is_due(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/", .headers = HTML, .body = LIT("<a href=/a>1</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    const char *const *args =
        ARGS{ "seeds.txt", "-q", "--delay", "0", "--retries", "0", "--revisit", "due", NULL };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, args), 0);
    assert_int_equal(program_crawl(&g.p, args), 0);
    origin_stop(g.o);
    g.o = NULL;
    assert_int_equal(program_crawl(&g.p, args), 0);
    program_change(&g.p, "UPDATE url SET next_fetch_at = 1000 WHERE depth = 0");
    assert_int_equal(program_crawl(&g.p, args), 4);
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--revisit", "none", NULL }), 0); /* asks nobody */
    /* The same without naming the seeds again. */
    assert_int_equal(program_crawl(&g.p, ARGS{ "-q", "--revisit", "none", NULL }), 0);
    assert_int_equal(program_crawl(&g.p, ARGS{ "-q", "--delay", "0", "--retries", "0", NULL }), 4);
    rig_close(&g);
}

/* Also where the rules that forbid it are those of the run before, and nobody was asked. */
static void a_seed_that_robots_txt_forbids_was_reached(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("User-agent: *\nDisallow: /\n") },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    for (int i = 0; i < 2; i++)
        assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_int_equal(traffic_count(g.o, NULL, NULL), 1);
    rig_close(&g);
}

static void sighup_opens_the_log_again(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, hanging, 1, "http://127.0.0.1:$PORT/slow\n");
    program_start_crawl(
        &g.p, ARGS{ "seeds.txt", "-q", "--delay", "10ms", "--log", "crawl.log", NULL });
    assert_true(traffic_wait(g.o, NULL, "/slow", 1));
    assert_int_equal(
        rename(program_path(&g.p, "crawl.log"), program_path(&g.p, "old.log")), 0);
    program_signal(&g.p, SIGHUP);
    program_signal(&g.p, SIGUSR1);
    assert_int_equal(program_wait(&g.p), 0);
    assert_int_equal(access(program_path(&g.p, "crawl.log"), F_OK), 0);
    rig_close(&g);
}

/* What packaging/logrotate.example does afterwards, with other folders. */
static void rotating_logs_ends_no_crawl_without_one(void **state)
{
    struct rig with, without;
    char command[2048];

    (void)state;
    RIG_OPEN(&with, hanging, 1, "http://127.0.0.1:$PORT/slow\n");
    RIG_OPEN(&without, hanging, 1, "http://127.0.0.1:$PORT/slow\n");
    program_start_crawl(&with.p, ARGS{ "seeds.txt", "-q", "--log", "crawl.log", NULL });
    program_start_crawl(&without.p, ARGS{ "seeds.txt", "-q", NULL });
    assert_true(traffic_wait(with.o, NULL, "/slow", 1) && traffic_wait(without.o, NULL, "/slow", 1));
    assert_int_equal(rename(program_path(&with.p, "crawl.log"), program_path(&with.p, "crawl.log.1")), 0);
    assert_true(snprintf(command, sizeof command,
                         "sed '1,/^    postrotate/d; /^    endscript/,$d; s|/srv/crawl/\\*/crawl.db-lock|%s %s|'"
                         " packaging/logrotate.example | sh",
                         program_path(&with.p, "crawl.db-lock"),
                         program_path(&without.p, "crawl.db-lock")) < (int)sizeof command);
    assert_int_equal(system(command), 0);
    program_signal(&with.p, SIGUSR1); /* so that the new log has a line */
    assert_int_equal(program_wait(&with.p), 0);
    assert_int_equal(program_wait(&without.p), 0);
    assert_int_equal(access(program_path(&with.p, "crawl.log"), F_OK), 0);
    rig_close(&with);
    rig_close(&without);
}

static void under_nohup_a_closed_terminal_ends_nothing(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, hanging, 1, "http://127.0.0.1:$PORT/slow\n");
    signal(SIGHUP, SIG_IGN);
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "10ms", NULL });
    signal(SIGHUP, SIG_DFL);
    assert_true(traffic_wait(g.o, NULL, "/slow", 1));
    program_signal(&g.p, SIGHUP);
    assert_int_equal(program_wait(&g.p), 0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'fetched'"), 1);
    rig_close(&g);
}

static void database_of_another_crawl_is_6(void **state)
{
    struct rig g;
    struct program second;

    (void)state;
    RIG_OPEN(&g, hanging, 1, "http://127.0.0.1:$PORT/slow\n");
    program_open(&second);
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "10ms", NULL });
    assert_true(traffic_wait(g.o, NULL, "/slow", 1));

    program_crawl(&second, ARGS{ origin_url(g.o, "/x"), "-o",
                                 program_path(&g.p, "crawl.db"), NULL });
    assert_int_equal(second.exit_code, 6);
    assert_int_equal(traffic_count(g.o, NULL, "/x"), 0);
    {
        char pid[32];

        snprintf(pid, sizeof pid, "%d", g.p.pid);
        assert_true(program_said(&second, pid));
    }

    /* --wait waits until the first has ended. */
    assert_int_equal(
        program_crawl(&second,
                      ARGS{ origin_url(g.o, "/x"), "-q", "--delay", "0", "--wait",
                            "20s", "-o", program_path(&g.p, "crawl.db"), NULL }),
        0);
    assert_int_equal(program_wait(&g.p), 0);
    assert_int_equal(traffic_count(g.o, NULL, "/x"), 1);
    program_close(&second);
    rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_reached_is_4),
        cmocka_unit_test(nobody_reached_is_4_where_nobody_is_waited_for),
        cmocka_unit_test(a_refused_address_is_told_with_the_option_that_allows_it),
        cmocka_unit_test(the_summary_counts_every_answer),
        cmocka_unit_test(fail_on_makes_it_1),
        cmocka_unit_test(a_host_without_a_readable_robots_txt_is_a_failure),
        cmocka_unit_test(fail_on_http_errors_looks_at_the_whole_run),
        cmocka_unit_test(nobody_reached_is_4_also_where_little_is_due),
        cmocka_unit_test(a_seed_that_robots_txt_forbids_was_reached),
        cmocka_unit_test(signal_finishes_what_is_in_flight_and_saves),
        cmocka_unit_test(the_line_of_progress_shows_whole_parts_only),
        cmocka_unit_test(second_signal_ends_it_within_a_second),
        cmocka_unit_test(second_signal_ends_a_page_made_for_a_slow_pattern),
        cmocka_unit_test(a_signal_ends_a_start_that_a_slow_pattern_holds_up),
        cmocka_unit_test(who_waits_for_the_end_is_told_how_to_hasten_it),
        cmocka_unit_test(first_signal_waits_five_seconds_at_most),
        cmocka_unit_test(signal_ends_at_once_what_only_waits),
        cmocka_unit_test(unknown_name_is_final_without_robots_too),
        cmocka_unit_test(name_servers_are_read_from_a_file),
        cmocka_unit_test(sighup_opens_the_log_again),
        cmocka_unit_test(rotating_logs_ends_no_crawl_without_one),
        cmocka_unit_test(under_nohup_a_closed_terminal_ends_nothing),
        cmocka_unit_test(database_of_another_crawl_is_6),
    };

    return cmocka_run_group_tests_name("flow/endings", tests, NULL, NULL);
}
