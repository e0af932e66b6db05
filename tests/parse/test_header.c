/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/buf.h"
#include "parse/header.h"

#define NOW_MS  INT64_C(784111777000) /* 1994-11-06T08:49:37Z */
#define INVALID INT64_C(-1)

static int set_up(void **state)
{
    struct arena *mem = calloc(1, sizeof *mem);

    arena_init(mem, MIB);
    *state = mem;
    return 0;
}

static int tear_down(void **state)
{
    arena_clear(*state);
    free(*state);
    return 0;
}

static void assert_span(struct span got, const char *want)
{
    if (!span_eq(got, span_str(want)))
        print_error("got '%.*s', want '%s'\n", SPAN_ARG(got), want ? want : "nothing");
    assert_true(span_eq(got, span_str(want)));
}

/* RFC 9112 §5: lines of a name, a colon and a value. */
static void walks_the_fields_of_a_block(void **state)
{
    struct span raw =
        SPAN("HTTP/1.1 200 OK\r\nA: 1\r\nno colon here\r\nB:2\r\n: nameless\r\n"
             "bad name: x\r\nC:\r\nD : spaced \nE: last");
    static const char *const want[][2] = {
        { "A", "1" }, { "B", "2" }, { "C", "" }, { "D", "spaced" }, { "E", "last" }
    };
    struct header_field field;

    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_true(header_next(&raw, *state, &field));
        assert_span(field.name, want[i][0]);
        assert_span(field.value, want[i][1]);
    }
    assert_false(header_next(&raw, *state, &field));
}

/* RFC 9112 §5.2: obs-fold becomes one space. */
static void joins_folded_lines(void **state)
{
    struct span raw = SPAN("A: one\r\n  two\r\n\t\r\n\tthree\r\nB:\r\n x\r\nC: y\r\n");
    struct header_field field;

    assert_true(header_next(&raw, *state, &field));
    assert_span(field.value, "one two three");
    assert_true(header_next(&raw, *state, &field));
    assert_span(field.value, "x");
    assert_true(header_next(&raw, *state, &field));
    assert_span(field.name, "C");
}

/* RFC 9110 §5.3: values of one name make one list. */
static void joins_the_values_of_a_name(void **state)
{
    struct span raw = SPAN("L: a\r\nM: x\r\nl: b, c\r\nL: d\r\n");

    assert_span(header_joined(raw, SPAN("L"), *state), "a, b, c, d");
    assert_span(header_joined(raw, SPAN("M"), *state), "x");
    assert_null(header_joined(raw, SPAN("N"), *state).ptr);
}

static void a_list_longer_than_the_memory_for_it_is_none(void **state)
{
    struct arena small;

    (void)state;
    arena_init(&small, 16);
    assert_null(header_joined(SPAN("L: twelve bytes\r\nL: and again\r\n"), SPAN("L"), &small).ptr);
    arena_clear(&small);
}

/* MIME Sniffing standard §4.4 and Fetch standard "extract a MIME type". */
static const struct content_type_row {
    const char *value, *essence, *charset;
} content_types[] = {
    { "text/html", "text/html", "" },
    { "text/html; charset=utf-8", "text/html", "utf-8" },
    { "Text/HTML;Charset=UTF-8", "Text/HTML", "UTF-8" },
    { " text/html ;charset=utf-8 ", "text/html", "utf-8" },
    { "text/html;charset=\"utf-8\"", "text/html", "utf-8" },
    { "text/html;charset=\"utf-8\";x=y", "text/html", "utf-8" },
    { "text/html;charset=\"utf-8", "text/html", "utf-8" },
    { "text/html;charset=\"utf-8\"junk;x=y", "text/html", "utf-8" },
    { "text/html;x=\"a;charset=evil\";charset=good", "text/html", "good" },
    { "text/html;charset=one;charset=two", "text/html", "one" },
    { "text/html;charset=;charset=two", "text/html", "two" },
    { "text/html;charset =utf-8", "text/html", "" },
    { "text/html;;;charset=utf-8", "text/html", "utf-8" },
    { "application/rss+xml;version=2", "application/rss+xml", "" },
    { "text/html, application/json", "application/json", "" },
    { "text/html;charset=utf-8, text/html", "text/html", "utf-8" },
    { "text/html;charset=utf-8, text/plain", "text/plain", "" },
    { "text/html;charset=a, text/html;charset=b", "text/html", "b" },
    { "text/html;charset=utf-8, */*", "text/html", "utf-8" },
    { "text/html, nonsense", "text/html", "" },
    { "text/html;x=\",\";charset=utf-8", "text/html", "utf-8" },
    { "", "", "" },
    { "html", "", "" },
    { "/html", "", "" },
    { "text/", "", "" },
    { "te xt/html", "", "" },
    { "text/ht ml", "", "" },
    { "charset=utf-8", "", "" },
};

static void content_type_is_read_as_browsers_do(void **state)
{
    const struct content_type_row *row = *state;
    struct header_content_type got;

    header_content_type_parse(span_str(row->value), &got);

    assert_span(got.essence, row->essence);
    assert_span(got.charset, row->charset);
}

/* RFC 9110 §10.2.3 */
static const struct retry_row {
    const char *value;
    int64_t want_ms;
} retries[] = {
    { "120", 120000 },
    { " 0 ", 0 },
    { "1.5", 2000 },
    { "Sun, 06 Nov 1994 08:50:37 GMT", 60000 },
    { "Sunday, 06-Nov-94 08:50:37 GMT", 60000 },
    { "Sun Nov  6 08:50:37 1994", 60000 },
    { "Sun, 06 Nov 1994 08:49:37 GMT", 0 },
    { "Sun, 06 Nov 1970 08:49:37 GMT", 0 },
    { "-5", INVALID },
    { "soon", INVALID },
    { "", INVALID },
    { "12x", INVALID },
    { "1994-11-06", INVALID },
    { "Sun, 31 Nov 1994 08:49:37 GMT", INVALID },
    { "9223372036854775", INT64_C(9223372036854775000) },
    { "9223372036854776", INT64_MAX },
    { "99999999999999999999999999999999999999999", INT64_MAX },
    { "99999999999999999999999999999999999999999.5", INT64_MAX },
};

static void retry_after_says_how_long(void **state)
{
    const struct retry_row *row = *state;
    int64_t got = INVALID;
    enum err e = header_retry_after(span_str(row->value), NOW_MS, &got);

    assert_int_equal(e, row->want_ms == INVALID ? ERR_INVALID : OK);
    assert_int_equal(got, row->want_ms);
}

/* RFC 8288 §3; each link as uri|rel|title|type|media|hreflang|anchor, one a line. */
static const struct link_row {
    const char *value, *want;
} links[] = {
    { "<https://h/a>; rel=next", "https://h/a|next|||||\n" },
    { "<a>;rel=\"next\",<b>;rel=\"prev\"", "a|next|||||\nb|prev|||||\n" },
    { "<a>", "a||||||\n" },
    { "< a >; rel=x", "a|x|||||\n" },
    { "<a,b;c>; rel=x", "a,b;c|x|||||\n" },
    { "<a>; REL=\"Next  START\"", "a|next start|||||\n" },
    { "<a>; rel=one; rel=two", "a|one|||||\n" },
    { "<a>; rel=; rel=two", "a|two|||||\n" },
    { "<a>; nopush", "a||||||\n" },
    { "<a>; rel = x ; title = Some Thing ", "a|x|Some Thing||||\n" },
    { "<a>; title=\"a \\\"b\\\" \\\\ c\"", "a||a \"b\" \\ c||||\n" },
    { "<a>; title=\"x, <y>; rel=z\", <b>", "a||x, <y>; rel=z||||\nb||||||\n" },
    { "<a>; title*=UTF-8'de'n%c3%a4chstes%20Kapitel", "a||n\xc3\xa4"
                                                      "chstes Kapitel||||\n" },
    { "<a>; title=plain; title*=utf-8''star", "a||star||||\n" },
    { "<a>; title*=utf-8''star; title=plain", "a||star||||\n" },
    { "<a>; title*=utf-8''one; title*=utf-8''two", "a||one||||\n" },
    { "<a>; title*=iso-8859-1''f%FCr", "a||f\xc3\xbcr||||\n" },
    { "<a>; title=plain; title*=utf-8''%FF", "a||plain||||\n" },
    { "<a>; title=plain; title*=koi8-r''x", "a||plain||||\n" },
    { "<a>; title=plain; title*=broken", "a||plain||||\n" },
    { "<a>; title*=utf-8''100%", "a||100%||||\n" },
    { "<a>; type=\"text/html\"; media=screen; media=print; hreflang=de; hreflang=fr; anchor=\"#x\"",
      "a|||text/html|screen|de fr|#x\n" },
    { "<>; rel=self", "|self|||||\n" },
    { "junk, <a>; rel=x; ;; =y; \"z\"; type=t", "a|x||t|||\n" },
    { "\"<no>\" <a>", "a||||||\n" },
    { ",,, <a> ,,<b>,", "a||||||\nb||||||\n" },
    { "<a>; rel=\"x", "a|x|||||\n" },
    { "<a>; rel=\"x\\", "a|x\\|||||\n" },
    { "<a", "" },
    { "", "" },
    { "a; rel=next", "" },
};

static void links_are_taken_apart(void **state)
{
    const struct link_row *row = *state;
    struct span rest = span_str(row->value);
    struct header_link link;
    struct arena mem;
    struct buf got;

    arena_init(&mem, MIB);
    buf_init(&got, MIB);
    while (header_link_next(&rest, &mem, &link))
        assert_int_equal(buf_printf(&got, "%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s\n",
                                    SPAN_ARG(link.uri), SPAN_ARG(link.rel),
                                    SPAN_ARG(link.title), SPAN_ARG(link.type),
                                    SPAN_ARG(link.media), SPAN_ARG(link.hreflang),
                                    SPAN_ARG(link.anchor)),
                         OK);

    assert_span(buf_span(&got), row->want);
    buf_clear(&got);
    arena_clear(&mem);
}

/* Joining words again and again must not become quadratic. */
static void many_languages_are_cut_short(void **state)
{
    struct span rest;
    struct header_link link;
    struct buf value;

    buf_init(&value, MIB);
    assert_int_equal(buf_append(&value, SPAN("<a>")), OK);
    for (int i = 0; i < 20000; i++)
        assert_int_equal(buf_append(&value, SPAN(";hreflang=de")), OK);
    rest = buf_span(&value);

    assert_true(header_link_next(&rest, *state, &link));
    assert_true(link.hreflang.len <= 1024);
    assert_false(header_link_next(&rest, *state, &link));
    buf_clear(&value);
}

/* The arena's cap ends the walk. */
static void links_stop_when_memory_ends(void **state)
{
    struct span rest =
        SPAN("<a>; title=\"long enough \\\" to need more than sixteen\", <b>");
    struct header_link link;
    struct arena small;

    (void)state;
    arena_init(&small, 16);
    assert_false(header_link_next(&rest, &small, &link));
    arena_clear(&small);
}

/* HTML standard §4.2.5.3, "shared declarative refresh steps". */
static const struct refresh_row {
    const char *value;
    int64_t delay_s; /* INVALID: no refresh */
    const char *url;
} refreshes[] = {
    { "0", 0, "" },
    { " 5 ", 5, "" },
    { "5;", 5, "" },
    { "5; url=foo", 5, "foo" },
    { "5, URL = foo", 5, "foo" },
    { "5 url=foo", 5, "foo" },
    { "5;url='foo'bar", 5, "foo" },
    { "5;url=\"foo bar", 5, "foo bar" },
    { "5;'foo'", 5, "foo" },
    { "5; foo", 5, "foo" },
    { "5; url", 5, "url" },
    { "5; url foo", 5, "url foo" },
    { "5; ur=foo", 5, "ur=foo" },
    { "5; url==foo", 5, "=foo" },
    { "5;;url=foo", 5, ";url=foo" },
    { "5; url=url=foo", 5, "url=foo" },
    { "1.9; url=foo", 1, "foo" },
    { "1.9..5.; url=foo", 1, "foo" },
    { ".9; url=foo", 0, "foo" },
    { "99999999999999999999; url=foo", INT64_MAX, "foo" },
    { "", INVALID, "" },
    { "; url=foo", INVALID, "" },
    { "-1; url=foo", INVALID, "" },
    { "+1; url=foo", INVALID, "" },
    { "1e1; url=foo", INVALID, "" },
    { "1x", INVALID, "" },
    { "url=foo", INVALID, "" },
};

static void refresh_follows_the_standard(void **state)
{
    const struct refresh_row *row = *state;
    struct span url = SPAN_NONE;
    int64_t delay_s = INVALID;
    enum err e = header_refresh(span_str(row->value), &delay_s, &url);

    assert_int_equal(e, row->delay_s == INVALID ? ERR_INVALID : OK);
    assert_int_equal(delay_s, row->delay_s);
    assert_span(url, row->url);
}

/* Directives as search engines document them. */
static const struct robots_row {
    const char *value;
    bool may_have_prefix, is_noindex, is_nofollow;
} robots[] = {
    { "noindex", false, true, false },
    { "NoIndex, NOFOLLOW", false, true, true },
    { "none", false, true, true },
    { "noindex nofollow", false, true, true },
    { "all, index, follow", false, false, false },
    { "max-snippet:0, nofollow", false, false, true },
    { "unavailable_after: 25 Jun 2010 15:00:00 PST, noindex", true, true, false },
    { "unavailable_after: Friday, 25-Jun-10 15:00:00 PST, noindex", true, true, false },
    { "unavailable_after: Fri, 25 Jun 2010 15:00:00 GMT, none", true, true, true },
    { "otherbot: noindex", true, false, false },
    { "otherbot: noindex, nofollow", true, false, false },
    { "Crawl: noindex", true, true, false },
    { "crawl : noindex, nofollow", true, true, true },
    { "*: nofollow", true, false, true },
    { "robots: none", true, true, true },
    { "otherbot: noindex, crawl: nofollow", true, false, true },
    { "nofollow, otherbot: noindex", true, false, true },
    { "otherbot: noindex", false, true, false },
    { "noindexed", false, false, false },
    { "", true, false, false },
    { ",,:,", true, false, false },
};

static void robots_directives_are_for_us_or_not(void **state)
{
    const struct robots_row *row = *state;
    struct header_robots got = { false, false };

    header_robots_merge(span_str(row->value), SPAN("crawl"), row->may_have_prefix,
                        &got);

    assert_true(got.is_noindex == row->is_noindex);
    assert_true(got.is_nofollow == row->is_nofollow);
}

static void robots_directives_add_up(void **state)
{
    struct header_robots got = { .is_noindex = true };

    (void)state;
    header_robots_merge(SPAN("follow, index"), SPAN("crawl"), false, &got);
    assert_true(got.is_noindex);
    header_robots_merge(SPAN("nofollow"), SPAN("crawl"), false, &got);
    assert_true(got.is_noindex && got.is_nofollow);
}

/* Adds one test for each row of a table whose rows begin with their text. */
#define ADD_ROWS(table, function)                                                     \
    for (size_t i = 0; i < ARRAY_LEN(table); i++, n++) {                              \
        const void *row = &(table)[i];                                                \
                                                                                      \
        tests[n] =                                                                    \
            (struct CMUnitTest){ .name = (table)[i].value, .test_func = (function) }; \
        memcpy(&tests[n].initial_state, &row, sizeof row);                            \
    }

int main(void)
{
    static const struct CMUnitTest single[] = {
        cmocka_unit_test_setup_teardown(walks_the_fields_of_a_block, set_up, tear_down),
        cmocka_unit_test_setup_teardown(joins_folded_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(joins_the_values_of_a_name, set_up, tear_down),
        cmocka_unit_test(a_list_longer_than_the_memory_for_it_is_none),
        cmocka_unit_test_setup_teardown(many_languages_are_cut_short, set_up,
                                        tear_down),
        cmocka_unit_test(links_stop_when_memory_ends),
        cmocka_unit_test(robots_directives_add_up),
    };
    struct CMUnitTest tests[ARRAY_LEN(single) + ARRAY_LEN(content_types) +
                            ARRAY_LEN(retries) + ARRAY_LEN(links) +
                            ARRAY_LEN(refreshes) + ARRAY_LEN(robots)];
    size_t n = ARRAY_LEN(single);

    memcpy(tests, single, sizeof single);
    ADD_ROWS(content_types, content_type_is_read_as_browsers_do)
    ADD_ROWS(retries, retry_after_says_how_long)
    ADD_ROWS(links, links_are_taken_apart)
    ADD_ROWS(refreshes, refresh_follows_the_standard)
    ADD_ROWS(robots, robots_directives_are_for_us_or_not)
    return cmocka_run_group_tests_name("parse/header", tests, NULL, NULL);
}
