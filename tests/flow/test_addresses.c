/* SPDX-License-Identifier: MIT */
/*
 * Addresses that must not be dialled (promise P7): every spelling, by literal,
 * by name, by redirect, by sitemap, by a name that changes its mind. The
 * origin that listens there must hear nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/kit/nameserver.h"
#include "tests/kit/rig.h"

#define NO_NAMES "--dns", "127.0.0.1:1"
#define QUICK    "--progress", "none", "-q", "--delay", "0", "--connect-timeout", "500ms"

static const struct origin_route anything[] = {
    { .path = "*", .headers = HTML, .body = PAGE }
};

/* --- literals ------------------------------------------------------------------------------------ */

static const char *const loopback_spellings[] = {
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1",
    "127\xe3\x80\x82"
    "0.0.1",
    "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:0:0:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[::]",
    "0.0.0.0",
    "0",
    "127.255.255.254",
};

static const char *const other_literals[] = {
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.7",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "[fe80::1]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:169.254.169.254]",
    "168.63.129.16",
    "0xA9FEA9FE",
};

static void assert_refused(const char *const *hosts, size_t n_hosts)
{
    struct buf seeds;
    struct rig g;

    buf_init(&seeds, (size_t)MIB);
    for (size_t i = 0; i < n_hosts; i++)
        assert_int_equal(buf_printf(&seeds, "http://%s:$PORT/%zu\n", hosts[i], i), OK);
    assert_int_equal(buf_append_byte(&seeds, '\0'), OK);
    RIG_OPEN(&g, anything, 1, seeds.ptr);

    assert_int_equal(program_run(&g.p, ARGS{ "seeds.txt", QUICK, NO_NAMES, NULL }), 4);

    assert_int_equal(origin_counts(g.o).connections, 0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls"), n_hosts);
    assert_string_equal(
        program_text(
            &g.p,
            "SELECT group_concat(url, ' ') FROM urls WHERE state <> 'excluded' OR reason <> 'blocked_address'"),
        "");
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM fetches"), 0);
    buf_clear(&seeds);
    rig_close(&g);
}

static void loopback_is_refused_in_every_spelling(void **state)
{
    (void)state;
    assert_refused(loopback_spellings, ARRAY_LEN(loopback_spellings));
}

static void private_and_reserved_literals_are_refused(void **state)
{
    (void)state;
    assert_refused(other_literals, ARRAY_LEN(other_literals));
}

static void allow_net_opens_exactly_its_range(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(
        &g, anything, 3,
        "http://127.0.0.1:$PORT/\nhttp://127.0.0.2:$PORT/\nhttp://127.0.0.3:$PORT/\nhttp://[::ffff:127.0.0.2]:$PORT/mapped\n");
    assert_int_equal(program_run(&g.p, ARGS{ "seeds.txt", QUICK, NO_NAMES,
                                             "--allow-net", "127.0.0.2/32", NULL }),
                     0);
    assert_int_equal(traffic_count(g.o, "127.0.0.1", NULL) +
                         traffic_count(g.o, "127.0.0.3", NULL),
                     0);
    assert_int_equal(traffic_count(g.o, "127.0.0.2", "/"), 1);
    assert_int_equal(
        program_number(&g.p,
                       "SELECT count(*) FROM urls WHERE reason = 'blocked_address'"),
        2);

    assert_int_equal(program_run(&g.p, ARGS{ "seeds.txt", QUICK, NO_NAMES,
                                             "--allow-private", NULL }),
                     0);
    assert_int_equal(traffic_count(g.o, "127.0.0.3", "/"), 1);
    rig_close(&g);
}

/* --- names ------------------------------------------------------------------------------------------ */

static const struct nameserver_record names[] = {
    { .name = "loop.test", .addresses = "127.0.0.1", .ttl_s = 60 },
    { .name = "six.test", .addresses = "::1", .ttl_s = 60 },
    { .name = "mapped.test", .addresses = "::ffff:127.0.0.1", .ttl_s = 60 },
    { .name = "mixed.test", .addresses = "127.0.0.1 10.0.0.1 ::1", .ttl_s = 60 },
    { .name = "private.test", .addresses = "10.1.2.3", .ttl_s = 60 },
    { .name = "meta.test", .addresses = "169.254.169.254", .ttl_s = 60 },
    { .name = "alias.test",
      .cname = "loop.test",
      .addresses = "127.0.0.1",
      .ttl_s = 60 },
    { .name = "turning.test", .addresses = "127.0.0.2", .ttl_s = 0, .uses = 2 },
    { .name = "turning.test", .addresses = "127.0.0.1", .ttl_s = 0 },
};

static void names_that_resolve_there_fail(void **state)
{
    struct nameserver *ns = nameserver_start(names, ARRAY_LEN(names));
    struct rig g;

    (void)state;
    RIG_OPEN(
        &g, anything, 1,
        "http://loop.test:$PORT/\nhttp://six.test:$PORT/\nhttp://mapped.test:$PORT/\nhttp://mixed.test:$PORT/\n"
        "http://private.test:$PORT/\nhttp://meta.test:$PORT/\nhttp://alias.test:$PORT/\nhttp://loop.test.:$PORT/dot\n");

    assert_int_equal(program_run(&g.p, ARGS{ "seeds.txt", QUICK, "--dns",
                                             nameserver_text(ns), NULL }),
                     4);

    assert_int_equal(origin_counts(g.o).connections, 0);
    assert_string_equal(
        program_text(&g.p, "SELECT group_concat(url || state || reason, ' ') FROM urls"
                           " WHERE state <> 'failed' OR reason <> 'blocked_address'"),
        "");
    assert_int_equal(
        program_number(
            &g.p,
            "SELECT count(*) FROM fetches WHERE outcome = 'blocked_address' AND error IS NOT NULL"),
        8);

    /* Whoever allows one range gets no more than that. */
    assert_int_equal(
        program_run(&g.p, ARGS{ "seeds.txt", QUICK, "--dns", nameserver_text(ns),
                                "--allow-net", "127.0.0.1/32", NULL }),
        0);
    assert_string_equal(rig_url(&g, "http://loop.test:%/", "state"), "fetched");
    assert_string_equal(rig_url(&g, "http://alias.test:%/", "state"), "fetched");
    assert_string_equal(rig_url(&g, "http://private.test:%/", "state || ' ' || reason"),
                        "failed blocked_address");
    assert_string_equal(rig_url(&g, "http://six.test:%/", "state || ' ' || reason"),
                        "failed blocked_address");
    rig_close(&g);
    nameserver_stop(ns);
}

static void name_that_changes_its_answer_is_caught(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .status = 404, .closes = true },
        { .path = "*",
          .headers = HTML,
          .body = LIT("<a href=/1>1</a><a href=/2>2</a>"),
          .closes = true },
    };
    struct nameserver *ns = nameserver_start(names, ARRAY_LEN(names));
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://turning.test:$PORT/\n");
    program_run(&g.p, ARGS{ "seeds.txt", QUICK, "--dns", nameserver_text(ns),
                            "--allow-net", "127.0.0.2/32", NULL });
    for (size_t i = 0; origin_request_at(g.o, i); i++)
        assert_int_equal(origin_request_at(g.o, i)->address, 1); /* 127.0.0.2 */
    rig_close(&g);
    nameserver_stop(ns);
}

/* --- ways round ---------------------------------------------------------------------------------------- */

static void redirects_links_and_sitemaps_do_not_lead_there(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt",
          .on = 2,
          .headers = PLAIN,
          TEXT_OF(
              "Sitemap: http://127.0.0.1:$PORT/map.xml\nSitemap: /moved.xml\nSitemap: /own.xml\n") },
        { .path = "/moved.xml",
          .on = 2,
          .status = 302,
          .headers = "Location: http://127.0.0.1:$PORT/map.xml\r\n" },
        { .path = "/own.xml",
          .on = 2,
          .headers = XML,
          TEXT_OF(
              "<urlset><url><loc>http://127.0.0.1:$PORT/mapped</loc></url></urlset>") },
        { .path = "/robots.txt",
          .on = 3,
          .status = 302,
          .headers = "Location: http://127.0.0.1:$PORT/robots.txt\r\n" },
        { .path = "/",
          .on = 2,
          .headers = HTML "Link: <http://127.0.0.1:$PORT/header>; rel=next\r\n",
          TEXT_OF(
              "<a href=http://127.0.0.1:$PORT/linked>1</a><a href=/hop>2</a><a href=http://localhost:$PORT/name>3</a>"
              "<link rel=canonical href=http://0x7f.1:$PORT/canonical><meta http-equiv=refresh content='1;url=http://127.1:$PORT/refresh'>") },
        { .path = "/hop",
          .on = 2,
          .status = 302,
          .headers = "Location: http://2130706433:$PORT/hopped\r\n" },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 3, "http://127.0.0.2:$PORT/\nhttp://127.0.0.3:$PORT/\n");

    assert_int_equal(
        program_run(&g.p, ARGS{ "seeds.txt", QUICK, NO_NAMES, "--scope", "any",
                                "--allow-net", "127.0.0.2/31", NULL }),
        0);

    for (size_t i = 0; origin_request_at(g.o, i); i++)
        assert_int_not_equal(origin_request_at(g.o, i)->address, 0);
    assert_int_equal(
        program_number(
            &g.p,
            "SELECT count(*) FROM urls WHERE state = 'excluded' AND reason = 'blocked_address'"),
        6);
    assert_string_equal(rig_url(&g, "http://127.0.0.3%", "reason"),
                        "robots_unreachable");
    assert_int_equal(
        program_number(
            &g.p,
            "SELECT count(*) FROM urls WHERE url LIKE '%localhost%' AND state = 'fetched'"),
        0);
    rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_is_refused_in_every_spelling),
        cmocka_unit_test(private_and_reserved_literals_are_refused),
        cmocka_unit_test(allow_net_opens_exactly_its_range),
        cmocka_unit_test(names_that_resolve_there_fail),
        cmocka_unit_test(name_that_changes_its_answer_is_caught),
        cmocka_unit_test(redirects_links_and_sitemaps_do_not_lead_there),
    };

    return cmocka_run_group_tests_name("flow/addresses", tests, NULL, NULL);
}
