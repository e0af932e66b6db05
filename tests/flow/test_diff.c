/* SPDX-License-Identifier: MIT */
/*
 * crawl diff over runs whose every change is known, and the conditions of --fail-on.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/kit/rig.h"

#define CRAWL(...)                                                       \
    ARGS                                                                 \
    {                                                                    \
        "seeds.txt", "-q", "--delay", "0", "--retries", "0", __VA_ARGS__ \
    }

static const struct origin_step reset[] = { { .kind = ORIGIN_RESET } };

/* What has uses = 1 is so in the first run, and otherwise in the later ones. */
static const struct origin_route routes[] = {
    NO_ROBOTS,
    { .path = "/",
      .headers = HTML,
      TEXT_OF("<title>Home</title>" LINK("/same") LINK("/text") LINK("/meta")
                  LINK("/head") LINK("/gone") LINK("/moved") LINK("/fail") LINK("/back")
                      LINK("/old") LINK("/late")),
      .has_etag = true },
    { .path = "/same",
      .headers = HTML,
      TEXT_OF("<title>Same</title>"),
      .has_etag = true },
    { .path = "/text",
      .headers = HTML,
      .body = LIT("<title>Text</title><p>One word after the other stands here."),
      .uses = 1 },
    { .path = "/text",
      .headers = HTML,
      .body = LIT("<title>Text</title><p>One word after the other stood here.") },
    { .path = "/meta",
      .headers = HTML,
      .body =
          LIT("<title>Meta</title><meta name=description content=before>"
              "<link rel=canonical href=/meta><meta name=robots content=noarchive>"),
      .uses = 1 },
    { .path = "/meta",
      .headers = HTML,
      .body =
          LIT("<title>Meta</title><meta name=description content=after>"
              "<link rel=canonical href=/same><meta name=robots content=noindex>") },
    { .path = "/head",
      .headers = HTML "X-Robots-Tag: noarchive\r\n",
      .body = LIT("<title>Head</title>"),
      .uses = 1 },
    { .path = "/head",
      .headers = HTML "X-Robots-Tag: nosnippet\r\n",
      .body = LIT("<title>Head</title>") },
    { .path = "/gone", .headers = HTML, .body = PAGE, .uses = 1 },
    { .path = "/gone", .status = 410 },
    { .path = "/moved", .status = 302, .headers = "Location: /same\r\n", .uses = 1 },
    { .path = "/moved", .status = 301, .headers = "Location: /text\r\n" },
    { .path = "/fail", .headers = HTML, .body = PAGE, .uses = 1 },
    { .path = "/fail", .script = reset, .n_steps = 1 },
    { .path = "/back", .status = 500, .uses = 1 },
    { .path = "/back", .headers = HTML, .body = PAGE },
    { .path = "/old", .status = 404 },
    { .path = "/late", .headers = HTML, .body = PAGE, .uses = 1 },
    { .path = "/late", .headers = HTML, .body = LIT(LINK("/new") LINK("/old")) },
    { .path = "/new", .headers = HTML, .body = PAGE },
};

static struct rig g;

static int crawl_twice(void **state)
{
    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    return program_crawl(&g.p, CRAWL(NULL)) || program_crawl(&g.p, CRAWL(NULL));
}

static int end(void **state)
{
    (void)state;
    rig_close(&g);
    return 0;
}

/* The last run's standard output with every "http://127.0.0.1:PORT" taken out. */
static const char *output_without_host(void)
{
    static char text[16 * 1024];
    char host[64];
    struct span rest = buf_span(&g.p.out);
    size_t n = 0;

    snprintf(host, sizeof host, "http://127.0.0.1:%u", origin_port(g.o));
    while (rest.len) {
        size_t at = span_find_span(rest, span_str(host));

        assert_true(n + at < sizeof text);
        memcpy(text + n, rest.ptr, at);
        n += at;
        rest = span_skip(rest, at + strlen(host));
    }
    text[n] = '\0';
    return text;
}

/* Where a hash stands, "#" instead. */
static void hide_hashes(char *text)
{
    char *to = text;

    for (const char *at = text; *at;) {
        size_t n = strspn(at, "0123456789abcdef");

        if (n == 64) {
            *to++ = '#';
            at += n;
        } else {
            n = n ? n : 1;
            memmove(to, at, n);
            to += n;
            at += n;
        }
    }
    *to = '\0';
}

static void everything_that_changed_has_its_row(void **state)
{
    static char text[16 * 1024];

    (void)state;
    assert_int_equal(program_run(&g.p, ARGS{ "diff", "-f", "tsv", NULL }), 0);
    snprintf(text, sizeof text, "%s", output_without_host());
    hide_hashes(text);
    assert_string_equal(text, "change\turl\tfield\twas\tnow\tdistance\tsource\n"
                              "new\t/new\tstatus\t\t200\t\t\n"
                              "gone\t/gone\tstatus\t200\t410\t\t\n"
                              "failed\t/fail\tstatus\t200\tconnection_lost\t\t\n"
                              "back\t/back\tstatus\t500\t200\t\t\n"
                              "changed\t/head\tx_robots_tag\tnoarchive\tnosnippet\t\t\n"
                              "changed\t/late\tcontent\t#\t#\t\t\n"
                              "changed\t/late\ttitle\tPage\t\t\t\n"
                              "changed\t/meta\tcontent\t#\t#\t\t\n"
                              "changed\t/meta\tdescription\tbefore\tafter\t\t\n"
                              "changed\t/meta\tcanonical_url\t/meta\t/same\t\t\n"
                              "changed\t/meta\trobots_meta\tnoarchive\tnoindex\t\t\n"
                              "changed\t/moved\tstatus\t302\t301\t\t\n"
                              "changed\t/moved\tredirect\t/same\t/text\t\t\n"
                              "changed\t/text\tcontent\t#\t#\t10\t\n"
                              "broken\t/fail\tstatus\t200\tconnection_lost\t\t/\n"
                              "broken\t/gone\tstatus\t200\t410\t\t/\n"
                              "broken\t/old\tstatus\t404\t404\t\t/late\n");
}

static void the_summary_counts_them(void **state)
{
    (void)state;
    assert_int_equal(program_run(&g.p, ARGS{ "diff", "--summary", "-f", "tsv", NULL }),
                     0);
    assert_string_equal(output_without_host(),
                        "change\tfield\tcount\n"
                        "new\t\t1\ngone\t\t1\nfailed\t\t1\nback\t\t1\nchanged\t\t5\n"
                        "changed\tstatus\t1\nchanged\tredirect\t1\n"
                        "changed\tcontent\t3\nchanged\ttitle\t1\n"
                        "changed\tdescription\t1\nchanged\tcanonical_url\t1\n"
                        "changed\trobots_meta\t1\nchanged\tx_robots_tag\t1\n"
                        "broken\t\t3\nsame\t\t3\nnot asked\t\t0\n");
}

static void before_the_first_run_there_was_nothing(void **state)
{
    (void)state;
    assert_int_equal(
        program_run(&g.p, ARGS{ "diff", "-s", "-f", "tsv", "0", "1", NULL }), 0);
    assert_string_equal(output_without_host(),
                        "change\tfield\tcount\n"
                        "new\t\t9\ngone\t\t0\nfailed\t\t2\nback\t\t0\nchanged\t\t0\n"
                        "broken\t\t2\nsame\t\t0\nnot asked\t\t0\n");
    assert_true(program_said(&g.p, "have changed after run 1"));
}

static const struct fail_row {
    const char *list;
    int code;
} fail_rows[] = {
    { "gone", 1 },          { "changed>4", 1 },   { "changed>5,new>1,broken>3", 0 },
    { "broken, new>7", 1 }, { "changed > 5", 0 }, { "failed", 1 },
    { "bad-seed", 2 },      { "gone>x", 2 },
};

static void conditions_feed_the_exit_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fail_rows); i++)
        assert_int_equal(program_run(&g.p, ARGS{ "diff", "-s", "--fail-on",
                                                 fail_rows[i].list, NULL }),
                         fail_rows[i].code);
}

static void runs_that_are_none_are_named(void **state)
{
    (void)state;
    assert_int_equal(program_run(&g.p, ARGS{ "diff", "7", "9", NULL }), 2);
    assert_true(program_said(&g.p, "there is no run 7"));
    assert_int_equal(program_run(&g.p, ARGS{ "diff", "9", NULL }), 2);
    assert_true(program_said(&g.p, "there is no run 9"));
    assert_int_equal(program_run(&g.p, ARGS{ "diff", "2", "1", NULL }), 2);
    assert_true(program_said(&g.p, "run 2 is not before run 1"));
    assert_int_equal(program_run(&g.p, ARGS{ "diff", "one", NULL }), 2);
    assert_int_equal(program_run(&g.p, ARGS{ "diff", "-o", "none.db", NULL }), 3);
}

/* The last of these tests: it adds runs. */
static void nothing_changed_is_silence_and_pruned_history_is_said(void **state)
{
    (void)state;
    assert_int_equal(
        program_crawl(&g.p, CRAWL("--fail-on", "new,gone,back,changed,broken", NULL)),
        0);
    assert_int_equal(program_run(&g.p, ARGS{ "diff", NULL }), 0);
    assert_int_equal(g.p.out.len + g.p.err.len, 0);
    assert_int_equal(program_run(&g.p, ARGS{ "diff", "-s", "1", NULL }), 0);

    assert_int_equal(program_crawl(&g.p, CRAWL("--keep-history", "2", NULL)), 0);
    assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 0);
    assert_int_equal(program_run(&g.p, ARGS{ "diff", NULL }), 0);
    assert_int_equal(g.p.out.len, 0);
    assert_int_equal(program_run(&g.p, ARGS{ "diff", "1", "2", NULL }), 3);
    assert_true(program_said(&g.p, "runs from 3 on can be compared"));

    program_change(&g.p, "DELETE FROM meta WHERE name = 'history_lost'");
    assert_int_equal(program_run(&g.p, ARGS{ "diff", NULL }), 3);
    assert_true(program_said(&g.p, "did not note which"));
}

/* --- a run's own conditions, and what is not known ----------------------------------- */

static const struct origin_route news[] = {
    NO_ROBOTS,
    { .path = "/", .headers = HTML, .body = LIT(LINK("/old")), .uses = 1 },
    { .path = "/", .headers = HTML, .body = LIT(LINK("/old") "More."), .uses = 1 },
    { .path = "/", .headers = HTML, .body = LIT(LINK("/old") "More and more.") },
};

static void a_run_ends_with_1_when_it_brought_bad_news(void **state)
{
    struct rig r;

    (void)state;
    RIG_OPEN(&r, news, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&r.p, CRAWL("--fail-on", "broken", NULL)), 1);
    assert_int_equal(program_crawl(&r.p, CRAWL("--fail-on", "broken,changed>1", NULL)),
                     0);
    assert_int_equal(program_crawl(&r.p, CRAWL("--fail-on", "changed", "--json-summary",
                                               "s.json", NULL)),
                     1);
    assert_int_equal(r.p.err.len, 0);
    assert_string_equal(program_text(&r.p, "SELECT json_extract(summary, '$.exit_code')"
                                           " FROM runs WHERE id = 3"),
                        "1");
    rig_close(&r);
}

static void what_no_stored_body_tells_is_said(void **state)
{
    struct rig r;

    (void)state;
    RIG_OPEN(&r, news, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&r.p, CRAWL("--store-bodies", "none", NULL)), 0);
    assert_int_equal(program_crawl(&r.p, CRAWL("--store-bodies", "none", NULL)), 0);
    assert_int_equal(program_run(&r.p, ARGS{ "diff", "--fail-on", "broken", NULL }), 1);
    assert_true(program_said(&r.p, "1 of the broken links may have been there before"));
    rig_close(&r);
}

/* Broken all along, broken since, broken all along: in the order of their names they stand on a page that has changed. */
static const struct origin_route mixed[] = {
    NO_ROBOTS,
    { .path = "/", .headers = HTML, .body = LIT(LINK("/1") LINK("/2") LINK("/3") LINK("/4")), .uses = 1 },
    { .path = "/", .headers = HTML, .body = LIT(LINK("/1") LINK("/2") LINK("/3") LINK("/4") LINK("/5")) },
    { .path = "/1", .status = 404 },
    { .path = "/2", .headers = HTML, .body = PAGE, .uses = 1 },
    { .path = "/2", .status = 404 },
    { .path = "/3", .status = 404 },
    { .path = "/4", .headers = HTML, .body = PAGE, .uses = 1 },
    { .path = "/4", .status = 404 },
    { .path = "/5", .status = 404 },
};

static void links_that_were_broken_before_are_no_news_among_those_that_are(void **state)
{
    struct rig r;

    (void)state;
    RIG_OPEN(&r, mixed, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&r.p, CRAWL(NULL)), 0);
    assert_int_equal(program_crawl(&r.p, CRAWL("--fail-on", "broken>3", NULL)), 0);
    assert_int_equal(program_run(&r.p, ARGS{ "diff", "-f", "csv", NULL }), 0);
    for (int i = 1; i <= 5; i++) {
        char row[64];

        snprintf(row, sizeof row, "\"broken\",\"http://127.0.0.1:%u/%d\"", origin_port(r.o), i);
        assert_int_equal(span_find_span(buf_span(&r.p.out), span_str(row)) < r.p.out.len, i == 2 || i >= 4);
    }
    assert_int_equal(r.p.err.len, 0);
    rig_close(&r);
}

/* A site in trouble for a night, and the page is gone in the morning: that is news once, though it was an error before. */
static void what_is_gone_after_an_error_is_reported_once(void **state)
{
    static const struct origin_route troubled[] = {
        NO_ROBOTS,
        { .path = "/page", .headers = HTML, .body = PAGE, .uses = 1 },
        { .path = "/page", .status = 500, .uses = 1 },
        { .path = "/page", .status = 404, .uses = 1 },
        { .path = "/page", .status = 500, .uses = 1 },
        { .path = "/page", .status = 404 },
    };
    static const int codes[] = { 0, 0, 1, 0, 0 };
    struct rig r;

    (void)state;
    for (int keep = 0; keep <= 2; keep += 2) {
        RIG_OPEN(&r, troubled, 1, "http://127.0.0.1:$PORT/page\n");
        for (size_t i = 0; i < ARRAY_LEN(codes); i++)
            assert_int_equal(program_crawl(&r.p, CRAWL("--retries", "0", "--fail-on", "gone", "--keep-history",
                                                       keep ? "2" : "0", NULL)),
                             codes[i]);
        assert_int_equal(program_run(&r.p, ARGS{ "verify", NULL }), 0);
        rig_close(&r);
    }
}

static const struct origin_route slow[] = {
    NO_ROBOTS,
    { .path = "/", .headers = HTML, .body = LIT(LINK("/a") LINK("/b")) },
    { .path = "/a", .headers = HTML, .body = PAGE },
    { .path = "/b", .headers = HTML, .body = PAGE, .uses = 1 },
    { .path = "/b", .headers = HTML, .body = PAGE, .delay_ms = 60000 },
};

static void an_unfinished_run_says_what_is_still_queued(void **state)
{
    struct rig r;

    (void)state;
    RIG_OPEN(&r, slow, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&r.p, CRAWL(NULL)), 0);
    program_start_crawl(&r.p, CRAWL(NULL));
    assert_true(traffic_wait(r.o, NULL, "/b", 2));
    program_kill(&r.p);
    assert_int_equal(program_run(&r.p, ARGS{ "diff", NULL }), 0);
    assert_int_equal(r.p.out.len, 0);
    assert_true(program_said(&r.p, "run 2 is not finished"));
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest twice[] = {
        cmocka_unit_test(everything_that_changed_has_its_row),
        cmocka_unit_test(the_summary_counts_them),
        cmocka_unit_test(before_the_first_run_there_was_nothing),
        cmocka_unit_test(conditions_feed_the_exit_code),
        cmocka_unit_test(runs_that_are_none_are_named),
        cmocka_unit_test(nothing_changed_is_silence_and_pruned_history_is_said),
    };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(a_run_ends_with_1_when_it_brought_bad_news),
        cmocka_unit_test(what_no_stored_body_tells_is_said),
        cmocka_unit_test(links_that_were_broken_before_are_no_news_among_those_that_are),
        cmocka_unit_test(what_is_gone_after_an_error_is_reported_once),
        cmocka_unit_test(an_unfinished_run_says_what_is_still_queued),
    };
    int failed = cmocka_run_group_tests_name("flow/diff", twice, crawl_twice, end);

    return failed + cmocka_run_group_tests_name("flow/diff", others, NULL, NULL);
}
