/* SPDX-License-Identifier: MIT */
/*
 * Texts of links: each is stored once, all can be read, and those of links that are gone do
 * not pile up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "config/mem.h"
#include "store/anchors.h"
#include "tests/kit/storekit.h"

static struct storekit kit;

static int set_up(void **state)
{
    storekit_init(&kit);
    storekit_open(&kit, REVISIT_NONE);
    *state = &kit;
    return 0;
}

#define MAX_LINKS 4

/* The page of url links to as many URLs as there are texts, one each. */
static void fetch_page(struct storekit *k, int64_t url_id, const char *body,
                       const char *const *texts)
{
    static const char *const targets[MAX_LINKS + 1] = { "http://a.example/0",
                                                        "http://a.example/1",
                                                        "http://a.example/2",
                                                        "http://a.example/3", NULL };
    struct store_op *op = storekit_visit(url_id, 1, 0);
    const char *urls[MAX_LINKS + 1] = { NULL };
    size_t n = 0;

    while (texts[n])
        n++;
    memcpy(urls, targets, n * sizeof *urls);
    storekit_page(op, "title", "text", body);
    storekit_links(op, urls);
    for (size_t i = 0; i < n; i++)
        storekit_found(op, i)->text = span_str(texts[i]);
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

#define TEXTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void each_text_is_stored_once(void **state)
{
    struct storekit *k = *state;
    int64_t a = storekit_seed(k, "http://a.example/a"),
            b = storekit_seed(k, "http://a.example/b");

    fetch_page(k, a, "a", TEXTS("Downloads", "Forum", "[1]", ""));
    fetch_page(k, b, "b", TEXTS("Forum", "Downloads", "Downloads", "Imprint"));
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM anchor"), 3);
    assert_int_equal(
        storekit_int(k, "SELECT count(*) = count(DISTINCT text) FROM anchor"), 1);
    EXPECT_TEXT(
        k,
        "SELECT group_concat(coalesce(anchor, '-')) FROM (SELECT anchor FROM links"
        " ORDER BY src_id, position)",
        "Downloads,Forum,[1],-,Forum,Downloads,Downloads,Imprint");
    /* It is a text to SQL, whatever it looks like. */
    fetch_page(k, storekit_seed(k, "http://a.example/c"), "c", TEXTS("2024"));
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM links WHERE anchor = 2024"),
                     1);
    /* Short ones stay with their link. */
    EXPECT_TEXT(k, "SELECT group_concat(anchor) FROM outlink WHERE anchor IS NOT NULL",
                "[1]");
    assert_int_equal(
        storekit_int(k, "SELECT count(*) FROM outlink WHERE anchor_id IS NULL"), 2);
}

/* More texts than the memory has room for: some get a second number, all are right. */
static void texts_beyond_the_memory_are_right_too(void **state)
{
    struct storekit *k = *state;

    enum {
        N_PAGES = 70000 / MAX_LINKS
    };

    for (int round = 0; round < 2; round++)
        for (int i = 0; i < N_PAGES; i++) {
            char url[64], body[32], texts[MAX_LINKS][32];

            (void)snprintf(url, sizeof url, "http://a.example/%d/%d", round, i);
            (void)snprintf(body, sizeof body, "%d %d", round, i);
            for (int t = 0; t < MAX_LINKS; t++)
                (void)snprintf(texts[t], sizeof texts[t], "text %d", i * MAX_LINKS + t);
            fetch_page(k, storekit_seed(k, url), body,
                       TEXTS(texts[0], texts[1], texts[2], texts[3]));
        }
    assert_int_equal(storekit_int(k, "SELECT count(DISTINCT anchor) FROM links"),
                     N_PAGES * MAX_LINKS);
    /* "http://a.example/ROUND/PAGE" */
    assert_int_equal(
        storekit_int(
            k,
            "SELECT count(*) FROM links l JOIN url u ON u.id = l.src_id WHERE anchor <>"
            " 'text ' || (CAST(substr(u.url, 20) AS INTEGER) * 4 + position)"),
        0);
}

static void end_run(struct storekit *k)
{
    struct store_op *op = store_op_new(STORE_END_RUN, MIB);

    op->u.end_run.is_finished = true;
    op->u.end_run.stop_reason = "finished";
    storekit_do(k, op);
    store_op_free(op);
}

/* stop may be NULL. What was skipped and why, or OK. */
static enum err finish_with(struct storekit *k, bool wants_metrics, const atomic_bool *stop)
{
    struct store_op *op = store_op_new(STORE_GRAPH, MIB);
    enum err skipped;

    end_run(k);
    op->u.graph.wants_metrics = wants_metrics;
    op->u.graph.stop = stop;
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    skipped = op->u.graph.skipped;
    store_op_free(op);
    return skipped;
}

/* Why there are no metrics, or OK. */
static enum err finish(struct storekit *k)
{
    return finish_with(k, true, NULL);
}

#define ALL_TEXTS \
    "SELECT group_concat(text) FROM (SELECT text FROM anchor ORDER BY text)"
#define ALL_LINKS                                                                 \
    "SELECT group_concat(anchor) FROM (SELECT anchor FROM links ORDER BY src_id," \
    " position)"

static void texts_that_no_link_has_are_removed(void **state)
{
    struct storekit *k = *state;
    int64_t a = storekit_seed(k, "http://a.example/a");

    fetch_page(k, a, "1", TEXTS("Home", "first", "early"));
    fetch_page(k, a, "2", TEXTS("Home", "second"));
    fetch_page(k, storekit_seed(k, "http://a.example/b"), "3", TEXTS("Home", "early"));
    assert_int_equal(finish(k), OK);
    /* Three of four are named: that is left alone. */
    EXPECT_TEXT(k, ALL_TEXTS, "Home,early,first,second");
    storekit_close(k);
    storekit_open(k, REVISIT_ALL);
    fetch_page(k, a, "4", TEXTS("Home", "third"));
    fetch_page(k, a, "5", TEXTS("Home", "fourth"));
    fetch_page(k, a, "6", TEXTS("Home"));
    assert_int_equal(finish(k), OK);
    /* Two of what were more than four. */
    EXPECT_TEXT(
        k,
        "SELECT group_concat(text) FROM (SELECT DISTINCT text FROM anchor ORDER BY text)",
        "Home,early");
    EXPECT_TEXT(k, ALL_LINKS, "Home,Home,early");
    /* The memory has forgotten the numbers that are gone. */
    fetch_page(k, a, "7", TEXTS("Home", "third", "fourth"));
    EXPECT_TEXT(k, ALL_LINKS, "Home,third,fourth,Home,early");
}

/* A run may end without metrics. */
static void what_an_earlier_run_left_is_removed_by_one_that_loses_no_link(void **state)
{
    struct storekit *k = *state;
    int64_t a = storekit_seed(k, "http://a.example/a");

    fetch_page(k, a, "1", TEXTS("first", "second", "third"));
    fetch_page(k, a, "2", TEXTS("Home"));
    end_run(k);
    storekit_close(k);
    storekit_open(k, REVISIT_ALL);
    fetch_page(k, storekit_seed(k, "http://a.example/b"), "3", TEXTS("Home"));
    assert_int_equal(finish(k), OK);
    EXPECT_TEXT(k, "SELECT DISTINCT text FROM anchor", "Home");
}

static void without_metrics_texts_that_no_link_has_are_removed_as_well(void **state)
{
    struct storekit *k = *state;
    int64_t a = storekit_seed(k, "http://a.example/a"), most = 0;

    fetch_page(k, a, "0", TEXTS("Home", "News"));
    for (int run = 1; run <= 12; run++) {
        char body[24], text[24];

        (void)snprintf(body, sizeof body, "%d", run);
        (void)snprintf(text, sizeof text, "night %d", run);
        fetch_page(k, a, body, TEXTS("Home", text));
        assert_int_equal(finish_with(k, false, NULL), OK);
        most = MAX(most, storekit_int(k, "SELECT count(*) FROM anchor"));
        storekit_close(k);
        storekit_open(k, REVISIT_ALL);
    }
    /* Two are named. One of twice as many is where it is looked at, and a run writes two. */
    assert_true(most <= 6);
    EXPECT_TEXT(k, ALL_LINKS, "Home,night 12");
    EXPECT_TEXT(k, "SELECT count(*) FROM anchor WHERE text IN ('Home', 'night 12')", "2");
}

static int64_t most_bytes(void)
{
    struct rusage u;

    assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
    return (int64_t)u.ru_maxrss * 1024;
}

/* A forged file may have any. There is a bit for each number below: half a gigabyte of them for the second. */
static const struct {
    const char *number;
    enum err skipped;
} far_numbers[] = { { "-7", OK }, { "4000000000", OK }, { "9223372036854775807", ERR_NO_MEMORY } };

static void a_number_out_of_the_way_takes_no_memory(void **state)
{
    struct storekit *k = *state;
    int64_t a = storekit_seed(k, "http://a.example/a"), before;

    fetch_page(k, a, "a", TEXTS("Downloads"));
    assert_int_equal(finish(k), OK);
    storekit_close(k);
    before = most_bytes();
    for (size_t i = 0; i < ARRAY_LEN(far_numbers); i++) {
        char sql[128];
        sqlite3 *handle;

        snprintf(sql, sizeof sql, "DELETE FROM anchor; INSERT INTO anchor VALUES (%s, 'far')", far_numbers[i].number);
        assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
        assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(handle);
        storekit_open(k, REVISIT_ALL);
        fetch_page(k, a, far_numbers[i].number, i % 2 ? TEXTS("") : TEXTS("", ""));
        assert_string_equal(err_name(finish(k)), err_name(far_numbers[i].skipped));
        assert_string_equal(err_name(finish_with(k, false, NULL)), err_name(far_numbers[i].skipped));
        storekit_close(k);
    }
    assert_true(most_bytes() - before < (int64_t)200 * 1000 * 1000);
}

/* The highest set there can be is in use: no number is left, and none overflows. */
static void links_without_a_number_left_are_an_error(void **state)
{
    struct storekit *k = *state;
    int64_t a = storekit_seed(k, "http://a.example/a");
    struct err_note note = { "" };
    struct store_op *op;
    sqlite3 *handle;

    storekit_finish(k);
    assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "INSERT INTO outlink (id, set_id, dst_id, bits) VALUES"
                                          " (9223372036854775807, 9, 1, 0)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
    storekit_open(k, REVISIT_ALL);
    op = storekit_visit(a, 1, 0);
    storekit_page(op, "title", "text", "body");
    storekit_links(op, (const char *[]){ "http://a.example/0", NULL });
    storekit_do(k, op);
    assert_string_equal(err_name(op->result), err_name(ERR_CORRUPT));
    store_failure(k->store, &note);
    assert_non_null(strstr(note.text, "outlink"));
    store_op_free(op);
}

/* Others' links would stand there some day, and be this page's as well. */
static void a_page_that_names_links_to_come_is_an_error(void **state)
{
    struct storekit *k = *state;
    struct err_note note = { "" };
    sqlite3 *handle;

    storekit_fetch(k, storekit_seed(k, "http://a.example/a"), 0, "body", (const char *[]){ "http://a.example/0", NULL });
    storekit_finish(k);
    assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "UPDATE page SET links_id = 2", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
    assert_string_equal(err_name(storekit_try_open(k, &note)), err_name(ERR_CORRUPT));
    assert_non_null(strstr(note.text, "outlink"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_page_that_names_links_to_come_is_an_error, set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(a_number_out_of_the_way_takes_no_memory, set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(links_without_a_number_left_are_an_error, set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(each_text_is_stored_once, set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(texts_beyond_the_memory_are_right_too, set_up,
                                        storekit_tear_down),
        cmocka_unit_test_setup_teardown(texts_that_no_link_has_are_removed, set_up,
                                        storekit_tear_down),
        cmocka_unit_test_setup_teardown(without_metrics_texts_that_no_link_has_are_removed_as_well, set_up,
                                        storekit_tear_down),
        cmocka_unit_test_setup_teardown(what_an_earlier_run_left_is_removed_by_one_that_loses_no_link,
                                        set_up, storekit_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
