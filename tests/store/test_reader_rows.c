/* SPDX-License-Identifier: MIT */
/* What queries keep at hand: rows by id, texts that come twice; and the reports that do, beside plain SQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/buf.h"
#include "store/reader.h"
#include "tests/kit/storekit.h"

static struct storekit kit;

/* One page of a site: an answer with this title and description, a redirect to a URL, or how it failed. */
static void visit(struct storekit *k, int64_t id, const char *title, const char *description, const char *outcome)
{
    static const char *const links[] = { "http://a.example/broken", "http://a.example/moved",
                                         "http://a.example/moved-twice", "http://a.example/", NULL };
    bool is_redirect = outcome && strncmp(outcome, "http:", 5) == 0;
    struct store_offer target = storekit_offer(is_redirect ? outcome : "http://a.example/", HOP_REDIRECT, 1);
    struct store_op *op = storekit_visit(id, 1, 1);
    struct page_facts *f;

    if (is_redirect) {
        op->u.visit.outcome = "redirect";
        op->u.visit.status_code = 301;
        op->u.visit.redirect = &target;
    } else if (outcome) {
        op->u.visit.outcome = outcome;
        op->u.visit.status_code = 0;
        op->u.visit.state = STATE_FAILED;
    } else {
        f = storekit_page(op, title, "some text", "<p>a body");
        f->description = arena_copy(&op->mem, span_str(description));
        storekit_links(op, links);
    }
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

/* Titles and descriptions that some pages have, and a failure and redirects that all of them link to. */
static void fill(struct storekit *k)
{
    static const struct {
        const char *url, *title, *description, *outcome;
    } pages[] = {
        { "http://a.example/", "First", "same", NULL },
        { "http://a.example/1", "First", "same", NULL },
        { "http://a.example/2", "Second", "same", NULL },
        { "http://a.example/3", "Second", "", NULL },
        { "http://a.example/4", "Third", "other", NULL },
        { "http://a.example/5", "", "", NULL },
        { "http://a.example/6", "first", "Same", NULL },
        { "http://a.example/broken", NULL, NULL, "timeout" },
        { "http://a.example/moved-twice", NULL, NULL, "http://a.example/moved" },
        { "http://a.example/moved", NULL, NULL, "http://a.example/1" },
    };

    storekit_open(k, REVISIT_ALL);
    for (size_t i = 0; i < ARRAY_LEN(pages); i++)
        storekit_seed(k, pages[i].url);
    for (size_t i = 0; i < ARRAY_LEN(pages); i++)
        visit(k, storekit_id(k, pages[i].url), pages[i].title, pages[i].description, pages[i].outcome);
    storekit_finish(k);
}

static int set_up(void **state)
{
    storekit_init(&kit);
    fill(&kit);
    *state = &kit;
    return 0;
}

/* --- asking ------------------------------------------------------------------------ */

/* Appends the row as "a|b|\n", NULL as nothing. */
static enum err on_row(void *arg, const struct span *columns, const struct reader_value *values, size_t n)
{
    struct buf *out = arg;
    enum err e = OK;

    (void)columns;
    for (size_t i = 0; values && !e && i < n; i++) {
        if (values[i].type == READER_INTEGER)
            e = buf_printf(out, "%lld", (long long)values[i].integer);
        else if (values[i].type == READER_REAL)
            e = buf_printf(out, "%g", values[i].real);
        else
            e = buf_append(out, values[i].text);
        e = e ? e : buf_append_byte(out, '|');
    }
    return e || !values ? e : buf_append_byte(out, '\n');
}

static enum err ask(struct storekit *k, const char *sql, struct buf *out)
{
    struct err_note note = { "" };
    struct reader *r;
    enum err e;

    buf_init(out, (size_t)MIB);
    assert_int_equal(reader_open(k->path, &r, &note), OK);
    e = reader_query(r, span_str(sql), NULL, 0, on_row, out, &note);
    assert_int_equal(e ? OK : buf_append_byte(out, '\0'), OK);
    reader_close(r);
    return e;
}

static void check(struct storekit *k, const char *sql, const char *want)
{
    struct buf got;

    assert_int_equal(ask(k, sql, &got), OK);
    assert_string_equal(got.ptr, want);
    buf_clear(&got);
}

static void check_refused(struct storekit *k, const char *sql)
{
    struct buf got;

    assert_int_equal(ask(k, sql, &got), ERR_USAGE);
    buf_clear(&got);
}

static const char *report(const char *name)
{
    return reader_find_report(span_str(name))->sql;
}

static const char *find(const struct reader_report *list, const char *name)
{
    while (strcmp(list->name, name) != 0)
        list++;
    return list->sql;
}

/* --- what is kept -------------------------------------------------------------------- */

#define ROWS(values) "WITH t(id, a, b) AS (VALUES " values "), k(n) AS MATERIALIZED (SELECT row_set(id, a, b) FROM t) "

static void rows_are_found_by_their_ids(void **state)
{
    check(*state,
          ROWS("(7, 'seven', 0.5), (1, NULL, -3), (-2, x'6162', ''), (9223372036854775807, 'most', 1)")
          "SELECT row_value(n, 7, 0), row_value(n, 7, 1), row_value(n, 1, 0), row_value(n, 1, 1), row_value(n, -2, 0),"
          " row_value(n, -2, 1), row_value(n, 9223372036854775807, 0), typeof(row_value(n, -2, 0)),"
          " typeof(row_value(n, 1, 0)) FROM k",
          "seven|0.5||-3|ab||most|blob|null|\n");
}

static void of_rows_with_one_id_the_first_counts_and_without_one_none(void **state)
{
    check(*state,
          ROWS("(1, 'first', 1), (1, 'second', 2), (NULL, 'none', 3), (0, 'none', 3)")
          "SELECT row_value(n, 1, 0), row_value(n, 0, 0), row_value(n, NULL, 0), row_value(n, 1, 1) FROM k",
          "first|||1|\n");
}

static void what_is_not_kept_is_null(void **state)
{
    check(*state, ROWS("(1, 'a', 'b')") "SELECT row_value(n, 2, 0), row_value(n, 1, 2), row_value(n, 1, -1) FROM k",
          "|||\n");
    check(*state, "SELECT row_value(row_set(id, url), 1, 0) FROM url WHERE id < 0", "|\n");
}

/* More of them than a table of hashes begins with, asked for again in another order. */
static void many_rows_stay_apart(void **state)
{
    check(*state,
          "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 5000),"
          " k(s) AS MATERIALIZED (SELECT row_set(n * 4096, 'row ' || n, n) FROM i)"
          " SELECT count(*), sum(row_value(s, n * 4096, 1) = n), sum(row_value(s, n * 4096, 0) = 'row ' || n),"
          " sum(row_value(s, n * 4096 + 1, 0) IS NULL) FROM k, (SELECT n FROM i ORDER BY n DESC)",
          "5000|5000|5000|5000|\n");
}

static void sets_that_are_none_are_refused(void **state)
{
    check_refused(*state, "SELECT row_value(0, 1, 0)");
    check_refused(*state, "SELECT row_value(-1, 1, 0)");
    check_refused(*state, "SELECT row_set() FROM url");
    check_refused(*state, "SELECT may_be_twin(0, 'a')");
    check_refused(*state, "SELECT may_be_twin(-1, 'a')");
    check_refused(*state, "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 100)"
                          " SELECT sum((SELECT row_set(i.n, u.url) FROM url u)) FROM i");
    check_refused(*state, "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 100)"
                          " SELECT sum((SELECT twin_set(u.url || i.n) FROM url u)) FROM i");
}

static void twins_are_texts_given_more_than_once(void **state)
{
    check(*state,
          "WITH t(x) AS (VALUES ('a'), ('b'), ('a'), (''), ('c'), ('c'), ('c')),"
          " k(n) AS MATERIALIZED (SELECT twin_set(x) FROM t)"
          " SELECT may_be_twin(n, 'a'), may_be_twin(n, 'b'), may_be_twin(n, ''), may_be_twin(n, 'c'),"
          " may_be_twin(n, 'd') FROM k",
          "1|0|0|1|0|\n");
    check(*state, "SELECT may_be_twin(twin_set(url), 'a') FROM url WHERE id < 0", "0|\n");
}

/* --- reports -------------------------------------------------------------------------- */

static void titles_and_descriptions_are_counted_of_sound_pages(void **state)
{
    check(*state, report("duplicate-titles"),
          "2|First|http://a.example/|\n2|First|http://a.example/1|\n"
          "2|Second|http://a.example/2|\n2|Second|http://a.example/3|\n");
    check(*state, report("duplicate-descriptions"),
          "3|same|http://a.example/|\n3|same|http://a.example/1|\n3|same|http://a.example/2|\n");
}

/* What is said of a target stands beside each link to it, in the order of the pages. */
static void links_say_what_their_targets_did(void **state)
{
    struct buf got;

    assert_int_equal(ask(*state, report("broken-links"), &got), OK);
    assert_string_equal(got.ptr, "http://a.example/|http://a.example/broken||timeout|here|\n"
                                 "http://a.example/1|http://a.example/broken||timeout|here|\n"
                                 "http://a.example/2|http://a.example/broken||timeout|here|\n"
                                 "http://a.example/3|http://a.example/broken||timeout|here|\n"
                                 "http://a.example/4|http://a.example/broken||timeout|here|\n"
                                 "http://a.example/5|http://a.example/broken||timeout|here|\n"
                                 "http://a.example/6|http://a.example/broken||timeout|here|\n");
    buf_clear(&got);
    assert_int_equal(ask(*state, report("redirected-links"), &got), OK);
    assert_true(span_starts(
        buf_span(&got),
        SPAN("http://a.example/|http://a.example/moved|301|http://a.example/1|here|\n"
             "http://a.example/|http://a.example/moved-twice|301|http://a.example/1|here|\n"
             "http://a.example/1|http://a.example/moved|301|http://a.example/1|here|\n")));
    buf_clear(&got);
}

/* URLs that were decided against, in the order of the words for it, and hosts that were not asked. */
static void what_was_decided_against_is_told_as_its_view_does(void **state)
{
    static const struct {
        const char *url;
        enum url_reason reason;
    } urls[] = {
        { "http://b.example/2", REASON_SCOPE },
        { "http://b.example/1", REASON_SCOPE },
        { "https://b.example/", REASON_SCOPE },
        { "http://c.example/", REASON_SCOPE },
        { "http://a.example/private", REASON_ROBOTS },
        { "http://a.example/9", REASON_INCLUDE_EXCLUDE },
        { "http://a.example/8", REASON_DROPPED },
    };
    struct storekit *k = *state;
    struct buf got;

    storekit_open(k, REVISIT_NONE);
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct store_offer o = storekit_offer(urls[i].url, HOP_LINK, 1);

        o.reason = urls[i].reason;
        storekit_offer_one(k, o);
    }
    storekit_finish(k);
    check(k, "SELECT count(*), group_concat(reason, ' ') FROM (SELECT reason FROM excluded ORDER BY reason, url)",
          "7|dropped include_exclude robots scope scope scope scope|\n");
    assert_int_equal(ask(k, "SELECT url, reason, rule, depth, parent_url FROM excluded ORDER BY reason, url", &got), OK);
    check(k, report("excluded"), got.ptr);
    buf_clear(&got);
    check(k, report("other-hosts"), "http|b.example|80|2|\nhttps|b.example|443|1|\nhttp|c.example|80|1|\n");
    check(k, "SELECT reason_word(1), reason_word(0), reason_word(16), reason_word(17), reason_word('timeout'),"
             " reason_word(-1), typeof(reason_word(NULL)), reason_word(9223372036854775807)",
          "scope|0|dropped|17|timeout|-1|null|9223372036854775807|\n");
}

/* What is counted alike stands in the order of the words for it, however the file was read. */
static void what_is_counted_alike_has_one_order(void **state)
{
    check(*state, report("excluded-counts"), "scope|4|\ndropped|1|\ninclude_exclude|1|\nrobots|1|\n");
    check(*state, report("status"),
          "fetched||ok|200|7|\nexcluded|scope|||4|\nfetched||redirect|301|2|\nexcluded|dropped|||1|\n"
          "excluded|include_exclude|||1|\nexcluded|robots|||1|\nfailed|timeout|timeout||1|\n");
    check(*state, find(reader_status, "excluded"), "scope|4|\ndropped|1|\ninclude_exclude|1|\nrobots|1|\n");
}

static void robots_txt_has_its_size_in_bytes(void **state)
{
    struct storekit *k = *state;
    struct store_op *op = store_op_new(STORE_HOST_SAVE, MIB);

    storekit_open(k, REVISIT_NONE);
    op->u.host = (struct store_host_state){ .host_id = 1,
                                            .crawl_delay_ms = -1,
                                            .has_robots = true,
                                            .robots_fetched_ms = 5000,
                                            .robots_status = 200,
                                            .robots_outcome = SPAN("ok"),
                                            .robots_body = SPAN("# \xc3\xbc\xe6\x9d\xb1") };
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
    storekit_finish(k);
    check(k, report("robots"), "http://a.example|ok|200|1970-01-01T00:00:05Z||7|\n");
}

/* The port of another scheme is no usual one. */
static void an_origin_has_its_port_where_it_is_not_the_usual_one(void **state)
{
    struct storekit *k = *state;
    char sql[1024];

    storekit_open(k, REVISIT_NONE);
    storekit_seed(k, "http://p.example/");
    storekit_seed(k, "https://p.example/");
    storekit_seed(k, "http://p.example:443/");
    storekit_seed(k, "https://p.example:80/");
    snprintf(sql, sizeof sql, "SELECT host, urls, queued, errors FROM (%s)", report("hosts"));
    check(k, sql, "a.example|13|0|0|\nhttps://p.example|1|1|0|\nhttps://p.example:80|1|1|0|\np.example|1|1|0|\n"
                  "p.example:443|1|1|0|\n");
    check(k, find(reader_status, "queued hosts"), "http|p.example|80|1|\nhttps|p.example|80|1|\n"
                                                "http|p.example|443|1|\nhttps|p.example|443|1|\n");
    storekit_stop(k, true);
}

/* Both are asked again, and one is not there any more. */
static void a_page_that_failed_since_shares_nothing(void **state)
{
    struct storekit *k = *state;

    storekit_open(k, REVISIT_ALL);
    visit(k, storekit_id(k, "http://a.example/"), "First", "", NULL);
    visit(k, storekit_id(k, "http://a.example/1"), "First", "", NULL);
    visit(k, storekit_id(k, "http://a.example/2"), "Second", "", NULL);
    visit(k, storekit_id(k, "http://a.example/3"), NULL, NULL, "timeout");
    storekit_finish(k);
    check(k, report("duplicate-titles"), "2|First|http://a.example/|\n2|First|http://a.example/1|\n");
    /* The page of a run counts what the named reports list: /3 is no page any more. */
    check(k, reader_find_part("pages")->sql, "6|1|4|\n");
    check(k, report("missing-titles"), "http://a.example/5||1000|\n");
    check(k, report("missing-descriptions"), "http://a.example/|First|\nhttp://a.example/1|First|\n"
                                             "http://a.example/2|Second|\nhttp://a.example/5||\n");
    /* Of this run alone, while the URLs are those of all. */
    check(k, find(reader_status, "requests of the run"), "ok|3|\ntimeout|1|\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_found_by_their_ids),
        cmocka_unit_test(of_rows_with_one_id_the_first_counts_and_without_one_none),
        cmocka_unit_test(what_is_not_kept_is_null),
        cmocka_unit_test(many_rows_stay_apart),
        cmocka_unit_test(sets_that_are_none_are_refused),
        cmocka_unit_test(twins_are_texts_given_more_than_once),
        cmocka_unit_test(titles_and_descriptions_are_counted_of_sound_pages),
        cmocka_unit_test(links_say_what_their_targets_did),
        cmocka_unit_test(what_was_decided_against_is_told_as_its_view_does),
        cmocka_unit_test(what_is_counted_alike_has_one_order),
        cmocka_unit_test(robots_txt_has_its_size_in_bytes),
        cmocka_unit_test(an_origin_has_its_port_where_it_is_not_the_usual_one),
        cmocka_unit_test(a_page_that_failed_since_shares_nothing),
    };

    return cmocka_run_group_tests_name("store/reader_rows", tests, set_up, storekit_tear_down);
}
