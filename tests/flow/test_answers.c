/* SPDX-License-Identifier: MIT */
/*
 * Named reports and views after a second run over a site that changed: what they say is what
 * the site is now, not what the latest requests happened to bring.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/kit/rig.h"

#define CRAWL(...)                                                       \
    ARGS                                                                 \
    {                                                                    \
        "seeds.txt", "-q", "--delay", "0", "--retries", "0", __VA_ARGS__ \
    }
#define LARGE      "a page that is much larger than all of the others on this site "
#define JSON       "Content-Type: application/json\r\n"

/* What has uses = 1 is so in the first run, and otherwise in the second. */
static const struct origin_route routes[] = {
    NO_ROBOTS,
    { .path = "/",
      .headers = HTML,
      TEXT_OF("<title>Home</title>" LINK("/large") LINK("/moved") LINK("/gone")
                  LINK("/api") LINK("/none") LINK("/spelt") LINK("/%7Eme") LINK("/more")
                      LINK("/hop") LINK("/lost") LINK("/alone") LINK("/round")),
      .has_etag = true },
    { .path = "/large",
      .headers = HTML,
      TEXT_OF("<title>Large</title>" LARGE LARGE LARGE LARGE LARGE),
      .has_etag = true },
    MOVED_TO("/hop", "/leap"),
    MOVED_TO("/leap", "/large"),
    MOVED_TO("/round", "/about"),
    MOVED_TO("/about", "/round"),
    { .path = "/lost",
      .status = 404,
      .headers = HTML,
      .body = LIT("<title>Oh no</title>") },
    { .path = "/alone", .headers = HTML, .body = LIT("<title>Oh no</title>") }, /* as the errors say */
    { .path = "/moved", .status = 302, .headers = "Location: /target\r\n", .uses = 1 },
    { .path = "/moved", .headers = HTML, .body = LIT("<title>Here to stay</title>") },
    { .path = "/gone",
      .headers = HTML,
      .body = LIT("<title>Was here</title>"),
      .uses = 1 },
    { .path = "/gone",
      .status = 404,
      .headers = HTML,
      .body = LIT("<title>Oh no</title>") },
    { .path = "/api", .headers = HTML, .body = LIT("<title>Docs</title>"), .uses = 1 },
    { .path = "/api", .status = 410, .headers = JSON, .body = LIT("{}") },
    { .path = "/none",
      .headers = HTML,
      .body = LIT("<title>None</title><meta name=robots content='noarchive, none'>") },
    { .path = "/spelt",
      .headers = HTML,
      .body = LIT("<title>Spelt</title><link rel=canonical href=/spelt#top>") },
    { .path = "/%7Eme",
      .headers = HTML,
      .body = LIT("<title>Me</title><link rel=canonical href=/~me>") },
    { .path = "/more", .headers = HTML, .body = PAGE, .uses = 1 },
    { .path = "/more", .headers = HTML, .body = LIT(LINK("/fresh")) },
    { .path = "*", .headers = HTML, .body = PAGE },
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

/* Runs a query or report; what it printed, with "http://127.0.0.1:PORT" taken out. */
static const char *answer(const char *query)
{
    static char text[16 * 1024];
    char host[64];
    struct span rest;
    size_t n = 0;

    assert_int_equal(program_run(&g.p, ARGS{ "sql", "-f", "tsv", query, NULL }), 0);
    rest = buf_span(&g.p.out);
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

static void a_304_leaves_the_size_and_type_of_the_page(void **state)
{
    (void)state;
    assert_string_equal(rig_url(&g, "%/large", "state"), "not_modified");
    assert_non_null(strstr(answer("largest"), "content_type\n/large\t"));
    assert_non_null(strstr(answer("content-types"), "text/html\t12\t"));
    assert_string_equal(
        answer("SELECT status_code, size > 300 AS is_large, content_type,"
               " length(sha256) AS hash FROM internal_all"
               " WHERE url LIKE '%/large'"),
        "status_code\tis_large\tcontent_type\thash\n304\t1\ttext/html\t64\n");
}

static void what_is_gone_keeps_its_last_title(void **state)
{
    (void)state;
    assert_non_null(strstr(answer("gone"), "\tWas here\n"));
    assert_non_null(strstr(answer("gone"), "\tDocs\n"));
}

static void a_redirect_that_ended_leads_nowhere(void **state)
{
    (void)state;
    assert_string_equal(answer("redirected-links"),
                        "src_url\tdst_url\tstatus_code\tredirects_to\tanchor\n"
                        "/\t/hop\t302\t/large\tx\n"
                        "/\t/round\t302\t\tx\n"); /* a loop has no end */
    assert_non_null(strstr(answer("orphans"), "/target\t"));
    assert_int_equal(program_run(&g.p, ARGS{ "report", "-", NULL }), 0);
    assert_true(span_find_span(buf_span(&g.p.out), SPAN(">redirect</div>")) <
                g.p.out.len); /* how the orphan was found */
}

/* The rows of a section of `crawl explain`: lines between its table's rule and the next blank one. */
static int count_explained(const char *path, const char *section)
{
    const char *at, *end;
    int n = 0;

    assert_int_equal(program_run(&g.p, ARGS{ "explain", origin_url(g.o, path), NULL }),
                     0);
    assert_int_equal(buf_append_byte(&g.p.out, '\0'), OK);
    at = strstr(g.p.out.ptr, section);
    if (!at)
        return 0;
    end = strstr(at, "\n\n");
    for (at = strstr(at, "\n-"); at && (!end || at < end); at = strchr(at + 1, '\n'))
        n++;
    return n - 1 - !end; /* the rule's own, and what ends the text */
}

static void an_explanation_has_what_holds_now_and_once(void **state)
{
    (void)state;
    assert_int_equal(count_explained("/hop", "redirects to"), 1);
    assert_int_equal(count_explained("/large", "redirected from"), 1);
    assert_int_equal(count_explained("/moved", "redirects to"), 0);
    assert_int_equal(count_explained("/target", "redirected from"), 0);
    assert_int_equal(count_explained("/", "seed of"), 1);
}

/* Else the error page of a site would stand first, once for each broken link. */
static void error_pages_are_no_duplicates(void **state)
{
    (void)state;
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM duplicates WHERE title = 'Oh no'"),
        3);
    assert_null(strstr(answer("duplicates"), "Oh no"));
    assert_non_null(strstr(answer("duplicates"), "2\t/target\tPage\t"));
    assert_non_null(strstr(answer("duplicates"), "2\t/fresh\tPage\t"));
}

static void robots_none_is_noindex(void **state)
{
    (void)state;
    assert_non_null(strstr(answer("noindex"), "/none\t"));
    assert_string_equal(
        answer("SELECT indexability FROM internal_all WHERE url LIKE '%/none'"),
        "indexability\nnon-indexable: noindex\n");
}

static void another_spelling_of_itself_is_no_other_page(void **state)
{
    (void)state;
    assert_string_equal(answer("canonicals"), "url\tcanonical_url\n");
    assert_string_equal(
        answer(
            "SELECT count(*) AS n FROM internal_all WHERE indexability LIKE '%canon%'"),
        "n\n0\n");
}

/* The last of these tests: it sets the clock of the second run back. */
static void new_is_what_the_latest_run_met_first(void **state)
{
    static const char want[] = "url\tstatus_code\tdepth\ttitle\n/fresh\t200\t2\tPage\n";

    (void)state;
    assert_string_equal(answer("new"), want);
    program_change(&g.p,
                   "UPDATE runs SET started_at = started_at - 86400000 WHERE id = 2");
    assert_string_equal(answer("new"), want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_304_leaves_the_size_and_type_of_the_page),
        cmocka_unit_test(what_is_gone_keeps_its_last_title),
        cmocka_unit_test(a_redirect_that_ended_leads_nowhere),
        cmocka_unit_test(an_explanation_has_what_holds_now_and_once),
        cmocka_unit_test(error_pages_are_no_duplicates),
        cmocka_unit_test(robots_none_is_noindex),
        cmocka_unit_test(another_spelling_of_itself_is_no_other_page),
        cmocka_unit_test(new_is_what_the_latest_run_met_first),
    };

    return cmocka_run_group_tests_name("flow/answers", tests, crawl_twice, end);
}
