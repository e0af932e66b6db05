/* SPDX-License-Identifier: MIT */
/*
 * A report of a database four times as large takes about four times as many steps of
 * SQLite's machine, with the indexes of a large file and without: no part of a report
 * goes through one table for every row of another. So it is with a site that stays as it is and the nights that are
 * kept of it. Steps are counted, not time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/reader.h"
#include "store/reader_diff.h"
#include "store/seeds.h"
#include "tests/kit/storekit.h"

#define SMALL  400
#define GROWTH 4
#define MOST_STEPS \
    6 /* times those of the small one: sorting grows a little faster than its rows */
#define FEW_STEPS 20000 /* where a report does next to nothing, its beginning counts */

/* Numbers from 0 to ?1 - 1, as table n. */
#define NUMBERS \
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1) "

/* Of ?1 URLs each tenth failed, is gone, redirects or was excluded; every page has ten links. */
static const char *const fillings[] = {
    "INSERT INTO runs (id, started_at, finished_at, state) VALUES (1, 1, 2, 'finished'), (2, 3, 4, 'finished')",
    NUMBERS
    "INSERT INTO hosts (id, scheme, host, port) SELECT i + 1, 'http', 'h' || i || '.example', 80 FROM n",
    NUMBERS
    "INSERT INTO robots (host_id, fetched_at, status_code, outcome) SELECT i + 1, 5, 200, 'ok' FROM n",
    NUMBERS "INSERT INTO sitemaps (url, host_id, fetched_at, outcome, entries)"
            " SELECT 'http://h' || i || '.example/s.xml', i + 1, 5, 'ok', 3 FROM n",
    NUMBERS
    "INSERT INTO url (id, key_hash, host_id, state, reason, depth, redirects, hop, priority, retries,"
    " parent_id, run_id, fetch_id, discovered_at, url) SELECT i + 1, i, i + 1,"
    " CASE i % 10 WHEN 0 THEN 3 WHEN 1 THEN 4 ELSE 1 END, CASE i % 10 WHEN 0 THEN 'timeout' WHEN 1 THEN 1 END,"
    " i % 7, 0, 1, 0, 0, i / 2 + 1, 1 + i % 2, 1 + i, i, 'http://h' || i || '.example/' || i FROM n",
    NUMBERS
    "INSERT INTO fetch (id, url_id, run_id, attempt, fetched_at, outcome, status_code, content_type, size,"
    " ttfb_ms, total_ms) SELECT i + 1, i + 1, 2, 1, i, CASE i % 10 WHEN 0 THEN 'timeout'"
    " WHEN 2 THEN 'redirect' WHEN 3 THEN 'http_error' ELSE 'ok' END, CASE i % 10 WHEN 0 THEN NULL"
    " WHEN 2 THEN 301 WHEN 3 THEN 404 ELSE 200 END, 'text/html', i, 5, 1500 FROM n",
    NUMBERS
    "INSERT INTO fetch (url_id, run_id, attempt, fetched_at, outcome, status_code, content_type, size)"
    " SELECT i + 1, 1, 1, i, 'ok', 200, 'text/html', i FROM n",
    NUMBERS
    "INSERT INTO page (url_id, fetch_id, links_id, link_hash, title, description, canonical_url, robots_meta, lang,"
    " simhash, links_out, parse_outcome) SELECT i + 1, i + 1, i * 10 + 1, i, 'Title ' || (i / 2), 'Text ' || (i / 3),"
    " 'http://c.example/', 'noindex', 'en', i, 10, 'ok' FROM n WHERE i % 10 > 2",
    NUMBERS
    "INSERT INTO outlink (id, set_id, dst_id, bits, anchor_id)"
    " SELECT i * 10 + 1 + k.value, i * 10 + 1, (i * 7 + k.value * 13) % ?1 + 1, 1, i + 1 FROM n,"
    " json_each('[0,1,2,3,4,5,6,7,8,9]') k WHERE i % 10 > 2",
    NUMBERS "INSERT INTO anchor SELECT i + 1, 'link ' || i FROM n",
    NUMBERS "INSERT INTO redirects SELECT i + 1, 2, i + 2, 301 FROM n WHERE i % 10 = 2",
    NUMBERS
    "INSERT INTO events (run_id, at, level, component, event, url_id) SELECT 2, i, 'info', 'c', 'e', i FROM n",
    NUMBERS "INSERT INTO near_pair SELECT i + 1, i + 2, 1 FROM n",
    NUMBERS "INSERT INTO metric SELECT i + 1, 1.0 / ?1, 10, 10, i / 5, NULL FROM n",
};

static void run_sql(sqlite3 *db, const char *sql, int n)
{
    sqlite3_stmt *st;

    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL))
        fail_msg("%s: %s", sqlite3_errmsg(db), sql);
    if (sqlite3_bind_parameter_count(st))
        sqlite3_bind_int(st, 1, n);
    while (sqlite3_step(st) == SQLITE_ROW)
        ;
    if (sqlite3_finalize(st))
        fail_msg("%s: %s", sqlite3_errmsg(db), sql);
}

/* A third run, in which many pages are gone that others link to. */
static const char THIRD_RUN[] = NUMBERS
    "INSERT INTO fetch (url_id, run_id, attempt, fetched_at, outcome, status_code, content_type, size)"
    " SELECT i + 1, 3, 1, i, 'http_error', 404, 'text/html', i FROM n WHERE i % 10 IN (3, 4)";

static void make_database(struct storekit *k, int n, bool has_indexes, bool has_metrics)
{
    sqlite3 *db;

    storekit_init(k);
    storekit_open(k, REVISIT_ALL);
    storekit_finish(k);
    assert_int_equal(sqlite3_open(k->path, &db), SQLITE_OK);
    run_sql(db, "BEGIN", n);
    run_sql(db, "DELETE FROM runs", n);
    for (size_t i = 0; i < ARRAY_LEN(fillings); i++)
        run_sql(db, fillings[i], n);
    if (has_indexes)
        run_sql(db, "CREATE INDEX IF NOT EXISTS outlink_by_dst ON outlink (dst_id, set_id)", n);
    run_sql(db,
            has_metrics ? "INSERT OR REPLACE INTO meta VALUES ('metrics_run', 2)"
                        : "DELETE FROM meta WHERE name IN ('metrics_run', 'stats_run')",
            n);
    run_sql(db, "COMMIT", n);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int steps_of(struct reader *r, const struct reader_report *report,
                    size_t *out_rows)
{
    sqlite3_stmt *st;
    int steps;

    *out_rows = 0;
    if (sqlite3_prepare_v2(reader_handle(r), report->sql, -1, &st, NULL))
        fail_msg("%s: %s", report->name, sqlite3_errmsg(reader_handle(r)));
    while (sqlite3_step(st) == SQLITE_ROW)
        ++*out_rows;
    steps = sqlite3_stmt_status(st, SQLITE_STMTSTATUS_VM_STEP, 0);
    assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
    return steps;
}

static void check_growth(bool has_indexes, bool has_metrics)
{
    struct storekit small, large;
    struct reader *r, *s;
    struct err_note note = { "" };
    size_t n_with_rows = 0;

    make_database(&small, SMALL, has_indexes, has_metrics);
    make_database(&large, SMALL * GROWTH, has_indexes, has_metrics);
    if (reader_open(small.path, &s, &note) || reader_open(large.path, &r, &note))
        fail_msg("%s", note.text);
    for (const struct reader_report *report = reader_reports; report->name; report++) {
        size_t few, many;
        int before = steps_of(s, report, &few), after = steps_of(r, report, &many);

        n_with_rows += few > 0;
        if (after > FEW_STEPS && after / MOST_STEPS > before)
            fail_msg("%s: %d steps for %d pages, %d for %d", report->name, before,
                     SMALL, after, SMALL * GROWTH);
    }
    assert_true(n_with_rows > 25); /* else there is little to see */
    reader_close(s);
    reader_close(r);
    storekit_clear(&small);
    storekit_clear(&large);
}

static void reports_grow_with_the_database(void **state)
{
    (void)state;
    check_growth(false, false);
    check_growth(false, true);
}

static void so_they_do_with_the_indexes_of_a_large_file(void **state)
{
    (void)state;
    check_growth(true, false);
    check_growth(true, true);
}

/* --- what changed --------------------------------------------------------------------- */

static int add_steps(unsigned type, void *arg, void *statement, void *ns)
{
    (void)type;
    (void)ns;
    *(int *)arg += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 0);
    return 0;
}

static enum err count_row(void *arg, const struct span *columns,
                          const struct reader_value *row, size_t n)
{
    (void)columns;
    (void)n;
    *(int *)arg += row != NULL;
    return OK;
}

/* Of all questions of a comparison of runs 2 and 3. */
static int diff_steps(int n, int *out_rows)
{
    static const int64_t runs[] = { 2, 3 };
    struct err_note note = { "" };
    struct reader_diff d;
    struct storekit k;
    struct reader *r;
    int steps = 0;
    sqlite3 *db;

    make_database(&k, n, false, false);
    assert_int_equal(sqlite3_open(k.path, &db), SQLITE_OK);
    run_sql(db,
            "INSERT INTO runs (id, started_at, finished_at, state)"
            " VALUES (3, 5, 6, 'finished')",
            n);
    run_sql(db, THIRD_RUN, n);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    if (reader_open(k.path, &r, &note) ||
        reader_diff_choose(r, runs, ARRAY_LEN(runs), &d, &note))
        fail_msg("%s", note.text);
    sqlite3_trace_v2(reader_handle(r), SQLITE_TRACE_PROFILE, add_steps, &steps);
    *out_rows = 0;
    if (reader_diff_query(r, &d, READER_DIFF_URLS, 0, count_row, out_rows, &note) ||
        reader_diff_query(r, &d, READER_DIFF_BROKEN, 0, count_row, out_rows, &note))
        fail_msg("%s", note.text);
    reader_close(r);
    storekit_clear(&k);
    return steps;
}

static void so_does_what_changed(void **state)
{
    int few, many, before = diff_steps(SMALL, &few);
    int after = diff_steps(SMALL * GROWTH, &many);

    (void)state;
    assert_true(few > SMALL / 2); /* broken links, most of them */
    assert_int_equal(many / few, GROWTH);
    if (after / MOST_STEPS > before)
        fail_msg("%d steps for %d pages, %d for %d", before, SMALL, after,
                 SMALL * GROWTH);
}

/* --- many nights ------------------------------------------------------------------------ */

#define NIGHTS 50

/* ?1 nights over 40 URLs, half of them seeds: a quarter redirects, a quarter did at first, a quarter is gone. */
static const char *const nights[] = {
    NUMBERS "INSERT INTO runs (id, started_at, finished_at, state) SELECT i + 1, i * 2, i * 2 + 1, 'finished' FROM n",
    "INSERT INTO hosts (id, scheme, host, port) VALUES (1, 'http', 'a.example', 80)",
    "INSERT INTO url (id, key_hash, host_id, state, depth, redirects, hop, priority, retries, run_id, fetch_id,"
    " discovered_at, url) SELECT u, u, 1, 1, u > 20, 0, 1, 0, 0, ?1, ?1 * 40 - 40 + u, u, 'http://a.example/' || u"
    " FROM u",
    NUMBERS
    "INSERT INTO fetch (id, url_id, run_id, attempt, fetched_at, outcome, status_code, content_type, size)"
    " SELECT i * 40 + u, u, i + 1, 1, i, CASE WHEN u % 4 = 0 OR u % 4 = 1 AND i < 3 THEN 'redirect'"
    " WHEN u % 4 = 2 THEN 'http_error' ELSE 'ok' END, CASE WHEN u % 4 = 0 OR u % 4 = 1 AND i < 3 THEN 301"
    " WHEN u % 4 = 2 THEN 404 ELSE 200 END, 'text/html', i FROM n CROSS JOIN u",
    NUMBERS "INSERT INTO seeds (run_id, url_id) SELECT i + 1, u FROM n CROSS JOIN u WHERE u <= 20",
    NUMBERS "INSERT INTO redirects SELECT u, i + 1, u + 20, 301 FROM n CROSS JOIN u"
            " WHERE u % 4 = 0 OR u % 4 = 1 AND i < 3",
    "INSERT INTO page (url_id, fetch_id, link_hash, title, simhash, links_out, parse_outcome)"
    " SELECT u, ?1 * 40 - 40 + u, 0, 'Title', u, 0, 'ok' FROM u WHERE u % 4 IN (1, 3)",
    NUMBERS "INSERT INTO page_old (url_id, fetch_id, title, simhash, links_out, parse_outcome)"
            " SELECT u, i * 40 + u, 'Title ' || i, u, 0, 'ok' FROM n CROSS JOIN u WHERE u % 4 = 3 AND i < ?1 - 1",
};

static struct reader *open_nights(struct storekit *k, int n)
{
    struct err_note note = { "" };
    struct reader *r;
    sqlite3 *db;

    storekit_init(k);
    storekit_open(k, REVISIT_ALL);
    storekit_finish(k);
    assert_int_equal(sqlite3_open(k->path, &db), SQLITE_OK);
    run_sql(db,
            "CREATE TEMP TABLE u AS WITH RECURSIVE u(u) AS (SELECT 1 UNION ALL SELECT u + 1 FROM u WHERE u < 40)"
            " SELECT u FROM u",
            n);
    run_sql(db, "BEGIN", n);
    run_sql(db, "DELETE FROM runs", n);
    for (size_t i = 0; i < ARRAY_LEN(nights); i++)
        run_sql(db, nights[i], n);
    run_sql(db, "COMMIT", n);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    if (reader_open(k->path, &r, &note))
        fail_msg("%s", note.text);
    return r;
}

static void what_is_asked_grows_with_the_nights_that_are_kept(void **state)
{
    /* Asked at each start, several times. */
    static const struct reader_report scope = { .name = "where seeds lead",
                                                .sql = SEEDS_REACH " SELECT id FROM reach WHERE id > 0" };
    struct storekit few, many;
    struct reader *a = open_nights(&few, NIGHTS), *b = open_nights(&many, NIGHTS * GROWTH);

    (void)state;
    for (const struct reader_report *report = &scope; report->name;
         report = report == &scope ? reader_reports : report + 1) {
        size_t n_rows;
        int before = steps_of(a, report, &n_rows), after = steps_of(b, report, &n_rows);

        if (report == &scope)
            assert_int_equal(n_rows, 20 + 5 + 5); /* five redirect still, and where they lead does, too */
        if (after > FEW_STEPS && after / MOST_STEPS > before)
            fail_msg("%s: %d steps after %d nights, %d after %d", report->name, before, NIGHTS, after,
                     NIGHTS * GROWTH);
    }
    reader_close(a);
    reader_close(b);
    storekit_clear(&few);
    storekit_clear(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_grow_with_the_database),
        cmocka_unit_test(so_they_do_with_the_indexes_of_a_large_file),
        cmocka_unit_test(so_does_what_changed),
        cmocka_unit_test(what_is_asked_grows_with_the_nights_that_are_kept),
    };

    return cmocka_run_group_tests_name("store/growth", tests, NULL, NULL);
}
