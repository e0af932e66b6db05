/* SPDX-License-Identifier: MIT */
/*
 * `crawl explain` on databases that crawls left: the whole trail of a URL that
 * was met, and what would become of one that was not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/kit/rig.h"

#define QUICK "--delay", "0", "-q"

static const struct origin_route site[] = {
    { .path = "/robots.txt",
      .on = 1,
      .headers = PLAIN,
      TEXT_OF(
          "User-agent: *\nDisallow: /private\nAllow: /private/open\nCrawl-delay: 0.1\nSitemap: http://127.0.0.1:$PORT/map\n") },
    { .path = "/robots.txt", .on = 2, .status = 404 },
    { .path = "/robots.txt", .on = 3, .status = 500 },
    { .path = "/map",
      .headers = XML,
      TEXT_OF("<urlset><url><loc>http://127.0.0.1:$PORT/mapped</loc></url></urlset>") },
    { .path = "/",
      .on = 1,
      .headers = HTML,
      TEXT_OF(
          "<title>Home</title><a href=/one>to <b>one</b></a><a href=/private/x>secret</a><a href=/a.zip>zip</a>"
          "<a href=http://127.0.0.9:$PORT/away>away</a><img src=/i.png><a href=/file.bin>bin</a><a href=/x/x/x/x/x>trap</a>"
          "<a rel=nofollow href=/gone>gone</a><a href=/hop>hop</a>") },
    { .path = "/one",
      .headers = HTML,
      .body = LIT("<title>One</title><a href=/two>second</a>") },
    { .path = "/two",
      .headers = HTML,
      .body = LIT("<title>Two</title><a href=/three>third</a>") },
    { .path = "/gone", .status = 410, .headers = HTML, .body = LIT("gone") },
    { .path = "/file.bin",
      .headers = "Content-Type: application/octet-stream\r\n",
      .body = LIT("\x01\x02") },
    MOVED_TO("/hop", "/two"),
    { .path = "*", .headers = HTML, .body = PAGE },
};

static struct rig rig;

static int crawl_site(void **state)
{
    (void)state;
    RIG_OPEN(
        &rig, site, 3,
        "# seeds\nhttp://127.0.0.1:$PORT/\nhttp://127.0.0.2:$PORT/\nhttp://127.0.0.3:$PORT/\n");
    return program_crawl(&rig.p, ARGS{ "seeds.txt", QUICK, "-d", "2", "--exclude",
                                       "\\.zip$", "--retries", "0", NULL });
}

static int end_site(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

/* Explains a path of a host with the options of the crawl; NULL for none of them. */
static int explain(const char *host, const char *path, const char *option,
                   const char *value)
{
    char url[512];

    snprintf(url, sizeof url, "http://%s:%u%s", host, origin_port(rig.o), path);
    return program_run(&rig.p, ARGS{ "explain", "--allow-net", "127.0.0.0/8", "--dns",
                                     "127.0.0.1:1", url, option, value, NULL });
}

/* The line that begins with this name says (among other things) this; $PORT is the port. */
static void assert_line(const char *name, const char *want)
{
    struct span rest = buf_span(&rig.p.out), line;
    char filled[512];
    const char *port = strstr(want, "$PORT");

    if (port)
        snprintf(filled, sizeof filled, "%.*s%u%s", (int)(port - want), want,
                 origin_port(rig.o), port + 5);
    else
        snprintf(filled, sizeof filled, "%s", want);
    while (span_split(&rest, '\n', &line))
        if (span_starts(span_trim(line), span_str(name)) &&
            span_find_span(line, span_str(filled)) < line.len)
            return;
    fail_msg("%.*s\nhas no line %s with %s", SPAN_ARG(buf_span(&rig.p.out)), name,
             filled);
}

static size_t count_lines(const char *name)
{
    struct span rest = buf_span(&rig.p.out), line;
    size_t n = 0;

    while (span_split(&rest, '\n', &line))
        n += span_starts(span_trim(line), span_str(name));
    return n;
}

/* --- known URLs -------------------------------------------------------------------------- */

static void a_fetched_page_tells_its_way_and_its_attempts(void **state)
{
    (void)state;
    assert_int_equal(explain("127.0.0.1", "/two", NULL, NULL), 0);
    assert_line("state", "fetched");
    assert_line("depth", "1");
    assert_line("meaning", "answered; asked again");
    assert_line("next_fetch_at", "T");
    assert_line("how it was found", "from where the crawl began");
    assert_line("attempts", "");
    assert_line("redirected from", "");
    assert_line("http://127.0.0.1", "/hop");
    assert_line("linked from", "");
    assert_line("http://127.0.0.1", "second");
    assert_line("page", "");
    assert_line("Two", "ok");
}

static void every_step_of_the_way_has_its_anchor(void **state)
{
    (void)state;
    assert_int_equal(explain("127.0.0.1", "/three", NULL, NULL), 0);
    assert_line("0  seed", "http://127.0.0.1:$PORT/");
    assert_line("2  link", "third");
    assert_line("state", "fetched");
    assert_int_equal(explain("127.0.0.1", "/one", NULL, NULL), 0);
    assert_line("1  link", "to one");
}

static void a_seed_names_its_line(void **state)
{
    (void)state;
    assert_int_equal(explain("127.0.0.1", "/", NULL, NULL), 0);
    assert_line("seeds.txt", "2    1");
    assert_line("hop", "seed");
}

static void what_a_sitemap_brought_names_the_sitemaps(void **state)
{
    (void)state;
    assert_int_equal(explain("127.0.0.1", "/mapped", NULL, NULL), 0);
    assert_line("hop", "sitemap");
    assert_line("http://127.0.0.1:", "/map  urlset         1");
}

static void a_redirect_shows_where_it_leads(void **state)
{
    (void)state;
    assert_int_equal(explain("127.0.0.1", "/hop", NULL, NULL), 0);
    assert_line("redirects to", "");
    assert_line("http://127.0.0.1", "/two          302  fetched");
}

static const struct excluded_row {
    const char *host, *path, *reason, *rule, *meaning;
} excluded_rows[] = {
    { "127.0.0.1", "/private/x", "robots", "robots.txt line 2: Disallow: /private",
      "robots.txt forbids it" },
    { "127.0.0.1", "/a.zip", "include_exclude", "--exclude '\\.zip$'",
      "an --include or --exclude is against it" },
    { "127.0.0.9", "/away", "scope", "--scope host", "outside the scope" },
    { "127.0.0.1", "/i.png", "kind", "not followed: this kind of link",
      "only recorded" },
    { "127.0.0.1", "/file.bin", "content_type",
      "content-type: application/octet-stream", "its type is not wanted" },
    { "127.0.0.1", "/x/x/x/x/x", "trap", "trap: repeated segments",
      "looks like a trap" },
    { "127.0.0.3", "/", "robots_unreachable", "robots.txt: status 500",
      "robots.txt could not be had" },
};

static void excluded_url_names_rule_and_meaning(void **state)
{
    const struct excluded_row *row = *state;

    assert_int_equal(explain(row->host, row->path, NULL, NULL), 0);
    assert_line("state", "excluded");
    assert_line("reason", row->reason);
    assert_line("rule", row->rule);
    assert_line("meaning", row->meaning);
    assert_line("host", "");
}

static void another_spelling_is_the_same_page(void **state)
{
    (void)state;
    assert_int_equal(explain("127.0.0.1", "/%6fne#top", NULL, NULL), 0);
    assert_line("typed", "/%6fne");
    assert_line("url", "http://127.0.0.1:$PORT/one");
    assert_line("state", "fetched");
}

/* --- URLs that were never seen ---------------------------------------------------------------- */

static const struct unknown_row {
    const char *label, *host, *path, *option, *value;
    const char *lines[6][2]; /* name and content; the verdict first */
} unknown_rows[] = {
    { "allowed",
      "127.0.0.1",
      "/new",
      NULL,
      NULL,
      { { "verdict", "it would be queued and fetched" },
        { "scope", "inside: --scope host, like the seed http://127.0.0.1:$PORT/" },
        { "robots.txt", "status 200" },
        { "robots.txt", "no rule matches" },
        { "trap", "none" },
        { "host", "known" } } },
    { "allowed by a rule",
      "127.0.0.1",
      "/private/open/1",
      NULL,
      NULL,
      { { "verdict", "queued and fetched" },
        { "robots.txt", "line 3: Allow: /private/open" } } },
    { "forbidden",
      "127.0.0.1",
      "/private/y",
      NULL,
      NULL,
      { { "verdict",
          "it would be excluded: robots (robots.txt line 2: Disallow: /private)" },
        { "robots.txt", "line 2: Disallow: /private" } } },
    { "no rules",
      "127.0.0.2",
      "/new",
      NULL,
      NULL,
      { { "verdict", "queued and fetched" },
        { "robots.txt", "has no rules" },
        { "robots.txt", "status 404" } } },
    { "unreachable robots.txt",
      "127.0.0.3",
      "/new",
      NULL,
      NULL,
      { { "verdict", "queued and fetched, once robots.txt can be had and allows it" },
        { "robots.txt", "could not be had" } } },
    { "robots.txt not obeyed",
      "127.0.0.1",
      "/private/y",
      "--no-robots",
      NULL,
      { { "verdict", "queued and fetched" }, { "robots.txt", "not obeyed" } } },
    { "outside",
      "127.0.0.7",
      "/",
      NULL,
      NULL,
      { { "verdict", "excluded: scope (--scope host)" },
        { "scope", "outside: --scope host, of 3 seeds" } } },
    { "a host never met",
      "127.0.0.7",
      "/",
      "--scope",
      "any",
      { { "verdict", "queued and fetched, if robots.txt allows it" },
        { "host", "never met" },
        { "robots.txt", "never asked for" },
        { "note", "in the last run it was otherwise" },
        { "note", "scope host" } } },
    { "excluded by a pattern that cannot be decided",
      "127.0.0.1",
      "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
      "--exclude",
      "/(\\w+)+$",
      { { "verdict", "excluded: include_exclude (--exclude '/(\\w+)+$' could not be decided)" } } },
    { "excluded by pattern",
      "127.0.0.1",
      "/new.zip",
      "--exclude",
      "\\.zip$",
      { { "verdict", "excluded: include_exclude (--exclude '\\.zip$')" } } },
    { "settings of the last run are told",
      "127.0.0.1",
      "/new.zip",
      NULL,
      NULL,
      { { "verdict", "queued and fetched" },
        { "note", "exclude [\"\\\\.zip$\"]" },
        { "note", "depth 2" } } },
    { "too deep",
      "127.0.0.1",
      "/new",
      "-d",
      "0",
      { { "verdict", "excluded: depth (--depth 0)" } } },
    { "deep enough",
      "127.0.0.1",
      "/new",
      "-d",
      "3",
      { { "verdict", "queued and fetched" }, { "depth", "at most 2 links away" } } },
    { "a trap",
      "127.0.0.1",
      "/y/y/y/y/y/y",
      NULL,
      NULL,
      { { "verdict", "excluded: trap (trap: repeated segments)" } } },
    { "a private address",
      "10.0.0.1",
      "/",
      "--scope",
      "any",
      { { "verdict", "excluded: blocked_address" } } },
    { "a host over its limit",
      "127.0.0.1",
      "/new",
      "--max-pages-per-host",
      "3",
      { { "verdict", "excluded: host_limit" } } },
};

static void unknown_url_is_judged(void **state)
{
    const struct unknown_row *row = *state;

    assert_int_equal(explain(row->host, row->path, row->option, row->value), 0);
    assert_line("has never been seen", "no seed, link, redirect or sitemap");
    for (size_t i = 0; i < ARRAY_LEN(row->lines) && row->lines[i][0]; i++)
        assert_line(row->lines[i][0], row->lines[i][1]);
    assert_int_equal(count_lines("verdict"), 1);
}

static void nobody_is_asked_and_nothing_is_written(void **state)
{
    size_t requests = traffic_count(rig.o, NULL, NULL);
    int64_t urls = program_number(&rig.p, "SELECT count(*) FROM urls");

    (void)state;
    assert_int_equal(explain("127.0.0.2", "/never", NULL, NULL), 0);
    assert_int_equal(explain("127.0.0.8", "/never", "--scope", "any"), 0);
    assert_int_equal(traffic_count(rig.o, NULL, NULL), requests);
    assert_int_equal(program_number(&rig.p, "SELECT count(*) FROM urls"), urls);
}

static void other_schemes_and_what_is_no_url_are_told(void **state)
{
    (void)state;
    assert_int_equal(
        program_run(&rig.p, ARGS{ "explain", "mailto:x@example.org", NULL }), 0);
    assert_line("verdict", "counted on its page and get no row");
    assert_int_equal(program_run(&rig.p, ARGS{ "explain", "ftp://127.0.0.1/", NULL }),
                     0);
    assert_line("verdict", "excluded: scheme");
    assert_int_equal(program_run(&rig.p, ARGS{ "explain", "no url", NULL }), 2);
    assert_int_equal(program_run(&rig.p, ARGS{ "explain", "127.0.0.1:80/new", NULL }), 2);
    assert_true(program_said(&rig.p, "is no URL (does it begin with https:// or http://?)"));
    assert_int_equal(program_run(&rig.p, ARGS{ "explain", "localhost:80/new", NULL }), 2);
    assert_int_equal(program_run(&rig.p, ARGS{ "explain", "www.example.org:8080", NULL }), 2);
    assert_int_equal(program_run(&rig.p, ARGS{ "explain", "tel:123", NULL }), 0);
    assert_int_equal(program_run(&rig.p, ARGS{ "explain", NULL }), 2);
    assert_int_equal(
        program_run(&rig.p, ARGS{ "explain", "-o", "absent.db", "http://a/", NULL }),
        3);
}

static void what_was_never_asked_for_has_nothing_to_show(void **state)
{
    const char *const options[] = { "--body", "--text", "--headers" };
    char url[100];

    (void)state;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/private/x", origin_port(rig.o));
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        assert_int_equal(program_run(&rig.p, ARGS{ "show", options[i], url, NULL }), 1);
        assert_true(program_said(&rig.p, "was never asked for: 'crawl explain' tells why"));
    }
}

static void old_robots_are_said_to_be_old(void **state)
{
    (void)state;
    program_change(
        &rig.p,
        "UPDATE robots SET expires_at = 1000 WHERE host_id IN (SELECT id FROM hosts WHERE host = '127.0.0.1')");
    assert_int_equal(explain("127.0.0.1", "/new", NULL, NULL), 0);
    assert_line("robots.txt", "too old, so it would be read again first");
    assert_line("robots.txt", "no rule matches");
    assert_line("verdict", "queued and fetched, if robots.txt still allows it");
}

static void text_of_the_database_cannot_fool_a_terminal(void **state)
{
    (void)state;
    program_change(
        &rig.p,
        "UPDATE url SET rule = 'x' || char(27) || '[2Jy' WHERE url LIKE '%/a.zip'");
    assert_int_equal(explain("127.0.0.1", "/a.zip", NULL, NULL), 0);
    assert_line("rule", "x\\x1B[2Jy");
}

/* A view in a table's place: a small file with texts as long as SQLite lets them be. */
static void texts_of_the_database_may_be_of_any_length(void **state)
{
    (void)state;
    program_change(&rig.p, "ALTER TABLE robots RENAME TO robots_kept");
    program_change(&rig.p, "CREATE VIEW robots AS SELECT host_id, fetched_at, status_code, outcome,"
                           " printf('%.*c', 300000000, 'x') AS body, sha256, expires_at FROM robots_kept");
    assert_int_equal(explain("127.0.0.1", "/new", NULL, NULL), 3);
    program_change(&rig.p, "DROP VIEW robots");
    program_change(&rig.p, "ALTER TABLE robots_kept RENAME TO robots");
    assert_int_equal(explain("127.0.0.1", "/new", NULL, NULL), 0);
}

/* More in all than what is said of a URL may take. */
static void seeds_of_the_database_may_be_many_and_long(void **state)
{
    (void)state;
    program_change(&rig.p, "WITH RECURSIVE n(i) AS (SELECT 1000001 UNION ALL SELECT i + 1 FROM n WHERE i < 1099000)"
                           " INSERT INTO url (id, key_hash, state, depth, redirects, hop, priority, retries, run_id,"
                           " discovered_at, url) SELECT i, i, 1, 0, 0, 0, 0, 0, 1, 0, 'http://a/' || CASE WHEN"
                           " i < 1030000 THEN printf('%.*c', 3000, '\"') ELSE i END FROM n");
    program_change(&rig.p, "INSERT INTO seeds SELECT 1, id, 'x', 1 FROM url WHERE id > 1000000");
    assert_int_equal(explain("127.0.0.8", "/", NULL, NULL), 0);
    assert_line("verdict", "it would be excluded: scope (--scope host)");
    program_change(&rig.p, "DELETE FROM seeds WHERE url_id > 1000000");
    program_change(&rig.p, "DELETE FROM url WHERE id > 1000000");
}

static void a_url_that_waits_names_the_run_that_stopped(void **state)
{
    (void)state;
    assert_int_equal(program_crawl(&rig.p, ARGS{ origin_url(rig.o, "/"), QUICK, "-o",
                                                 "few.db", "-n", "1", NULL }),
                     5);
    assert_int_equal(program_run(&rig.p, ARGS{ "explain", "-o", "few.db",
                                               origin_url(rig.o, "/one"), NULL }),
                     0);
    assert_line("state", "queued");
    assert_line("meaning", "still to be fetched");
    assert_line("run that it waits in", "");
    assert_line("1  stopped", "max-pages");
    assert_int_equal(count_lines("attempts"), 0);
}

#define PLAIN_ROWS 8
#define LAST_ROWS  6

int main(void)
{
    static struct CMUnitTest tests[PLAIN_ROWS + ARRAY_LEN(excluded_rows) +
                                   ARRAY_LEN(unknown_rows) + LAST_ROWS] = {
        cmocka_unit_test(a_fetched_page_tells_its_way_and_its_attempts),
        cmocka_unit_test(every_step_of_the_way_has_its_anchor),
        cmocka_unit_test(a_seed_names_its_line),
        cmocka_unit_test(what_a_sitemap_brought_names_the_sitemaps),
        cmocka_unit_test(a_redirect_shows_where_it_leads),
        cmocka_unit_test(another_spelling_is_the_same_page),
        cmocka_unit_test(other_schemes_and_what_is_no_url_are_told),
        cmocka_unit_test(what_was_never_asked_for_has_nothing_to_show),
    };
    static const struct CMUnitTest last[LAST_ROWS] = {
        cmocka_unit_test(nobody_is_asked_and_nothing_is_written),
        cmocka_unit_test(old_robots_are_said_to_be_old),
        cmocka_unit_test(text_of_the_database_cannot_fool_a_terminal),
        cmocka_unit_test(texts_of_the_database_may_be_of_any_length),
        cmocka_unit_test(seeds_of_the_database_may_be_many_and_long),
        cmocka_unit_test(a_url_that_waits_names_the_run_that_stopped),
    };
    size_t n = PLAIN_ROWS;

    for (size_t i = 0; i < ARRAY_LEN(excluded_rows); i++)
        tests[n++] = (struct CMUnitTest){ excluded_rows[i].reason,
                                          excluded_url_names_rule_and_meaning, NULL,
                                          NULL, (void *)(uintptr_t)&excluded_rows[i] };
    for (size_t i = 0; i < ARRAY_LEN(unknown_rows); i++)
        tests[n++] =
            (struct CMUnitTest){ unknown_rows[i].label, unknown_url_is_judged, NULL,
                                 NULL, (void *)(uintptr_t)&unknown_rows[i] };
    for (size_t i = 0; i < LAST_ROWS; i++)
        tests[n++] = last[i];
    return cmocka_run_group_tests_name("flow/explain", tests, crawl_site, end_site);
}
