/* SPDX-License-Identifier: MIT */
/* Files that earlier schemas left: read as they are, and brought up to the newest one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "config/buf.h"
#include "config/map.h"
#include "store/reader.h"
#include "store/schema.h"
#include "store/seen.h"
#include "tests/kit/storekit.h"

/* --- schema 4 counts the hashes of URLs anew ------------------------------------------------ */

static void run_sql(sqlite3 *handle, const char *sql)
{
    char *error = NULL;

    if (sqlite3_exec(handle, sql, NULL, NULL, &error))
        fail_msg("%s: %s", sql, error);
}

/* As the program of schema 3 left it. */
static void make_schema_3(const char *path)
{
    char sql[512];
    sqlite3 *handle;

    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    for (int n = 1; n <= 3; n++)
        run_sql(handle, schema_sql(n));
    run_sql(
        handle,
        "PRAGMA application_id = 1129469772; PRAGMA user_version = 3;"
        "INSERT INTO meta VALUES ('hash_secret', 4711);"
        "INSERT INTO runs (id, started_at, finished_at, state) VALUES (1, 1, 2, 'finished');"
        "INSERT INTO hosts (id, scheme, host, port) VALUES (1, 'http', 'old.example', 80);"
        "UPDATE state_count SET n = 2 WHERE state = 1;"
        "CREATE VIEW urls AS SELECT id, url, coalesce(key, url) AS key FROM url;");
    snprintf(
        sql, sizeof sql,
        "INSERT INTO url (id, key_hash, host_id, state, depth, redirects, hop, priority, retries, run_id,"
        " discovered_at, url, key) VALUES"
        " (1, %lld, 1, 1, 0, 0, 0, 0, 0, 1, 1, 'http://old.example/', NULL),"
        " (2, %lld, 1, 1, 1, 0, 1, 0, 0, 1, 1, 'http://old.example/%%7Ea', 'http://old.example/~a')",
        (long long)map_hash(SPAN("http://old.example/"), 4711),
        (long long)map_hash(SPAN("http://old.example/~a"), 4711));
    run_sql(handle, sql);
    sqlite3_close(handle);
}

static enum err on_count(void *arg, const struct span *columns,
                         const struct reader_value *values, size_t n)
{
    (void)columns;
    if (values && n)
        *(int64_t *)arg = values[0].integer;
    return OK;
}

/* How many URLs a reader finds by their hash. */
static int64_t found_by_hash(const char *path)
{
    const struct span key = SPAN("http://old.example/~a");
    struct err_note note = { "" };
    struct reader *r;
    int64_t n = -1, id = -1;

    if (reader_open(path, &r, &note) ||
        reader_query(
            r,
            SPAN(
                "SELECT count(*) FROM url WHERE key_hash = url_hash(coalesce(key, url))"),
            NULL, 0, on_count, &n, &note) ||
        reader_query(r, span_str(reader_lookups[LOOKUP_ID].sql), &key, 1, on_count, &id, &note))
        fail_msg("%s: %s", path, note.text);
    reader_close(r);
    assert_int_equal(id, 2);
    return n;
}

/* May verify pass over what is said of a table? */
static bool lacks(const char *path, const char *table)
{
    struct err_note note = { "" };
    struct reader *r;
    bool result;

    if (reader_open(path, &r, &note))
        fail_msg("%s: %s", path, note.text);
    result = reader_may_lack(r, table);
    reader_close(r);
    return result;
}

static void old_files_are_hashed_anew_and_read_as_they_are(void **state)
{
    struct storekit *k = *state;
    char kept[160];

    storekit_close(k);
    unlink(k->path);
    make_schema_3(k->path);
    assert_int_equal(found_by_hash(k->path), 2);
    assert_true(lacks(k->path, "anchor"));
    assert_true(lacks(k->path, "outlink"));
    assert_false(lacks(k->path, "urls"));
    storekit_open(k, REVISIT_NONE);
    /* Found, not written a second time. */
    assert_int_equal(storekit_seed(k, "http://old.example/"), 1);
    assert_int_equal(storekit_seed(k, "http://old.example/~a"), 2);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM url"), 2);
    assert_int_equal(storekit_int(k, "SELECT count(DISTINCT key_hash >> 48) FROM url"),
                     1);
    assert_int_equal(
        storekit_int(k,
                     "SELECT count(*) FROM sqlite_schema WHERE name = 'url_by_hash'"),
        1);
    storekit_finish(k);
    assert_int_equal(found_by_hash(k->path), 2);
    assert_false(lacks(k->path, "anchor"));
    snprintf(kept, sizeof kept, "%s.schema3", k->path);
    assert_int_equal(found_by_hash(kept), 2);
}

static void old_files_get_all_views_anew_and_keep_those_of_users(void **state)
{
    struct storekit *k = *state;
    sqlite3 *handle;

    storekit_close(k);
    unlink(k->path);
    make_schema_3(k->path);
    assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
    run_sql(handle, "CREATE VIEW orphans AS SELECT 1 AS stale;"
                    "CREATE VIEW mine AS SELECT count(*) AS n FROM urls;");
    sqlite3_close(handle);
    storekit_open(k, REVISIT_NONE);
    assert_int_equal(storekit_int(k, "SELECT n FROM mine"), 2);
    assert_int_equal(
        storekit_int(k, "SELECT count(*) FROM pragma_table_info('orphans')"
                        " WHERE name IN ('stale', 'url')"),
        1);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM orphans"), 0);
    storekit_finish(k);
}

/* --- schema 8 has the links of a page under a number, schema 9 under that of the first ------ */

/* As the program of schema 7 left it: two pages link to each other, the second also to itself. */
static void make_schema_7(const char *path)
{
    char sql[512];
    sqlite3 *handle;

    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    for (int n = 1; n <= 7; n++)
        run_sql(handle, schema_sql(n));
    run_sql(
        handle,
        "PRAGMA application_id = 1129469772; PRAGMA user_version = 7;"
        "INSERT INTO meta VALUES ('hash_secret', 4711);"
        "INSERT INTO runs (id, started_at, finished_at, state) VALUES (1, 1, 2, 'finished');"
        "INSERT INTO hosts (id, scheme, host, port) VALUES (1, 'http', 'old.example', 80);"
        "UPDATE state_count SET n = 2 WHERE state = 1;"
        "INSERT INTO fetch (id, url_id, run_id, attempt, fetched_at, outcome, status_code) VALUES"
        " (1, 1, 1, 1, 1, 'ok', 200), (2, 2, 1, 1, 1, 'ok', 200);"
        "INSERT INTO page (url_id, fetch_id, link_hash, parse_outcome) VALUES (1, 1, 5, 'ok'), (2, 2, 6, 'ok');"
        "INSERT INTO link (src_id, position, dst_id, bits, anchor) VALUES"
        " (1, 0, 2, 0, 'to b'), (2, 0, 1, 0, 'up'), (2, 4, 2, 0, 'here');"
        "CREATE VIEW links AS SELECT src_id, dst_id, anchor, position FROM link;");
    snprintf(sql, sizeof sql,
             "INSERT INTO url (id, key_hash, host_id, state, depth, redirects, hop, priority, retries, run_id,"
             " discovered_at, fetch_id, url) VALUES (1, %lld, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 'http://old.example/'),"
             " (2, %lld, 1, 1, 1, 0, 1, 0, 0, 1, 1, 2, 'http://old.example/b');",
             (long long)seen_hash(4711, SPAN("http://old.example/")),
             (long long)seen_hash(4711, SPAN("http://old.example/b")));
    run_sql(handle, sql);
    sqlite3_close(handle);
}

static void links_of_old_files_are_kept_and_new_ones_get_higher_numbers(void **state)
{
    static const char LINKS[] = "SELECT group_concat(src_id || '>' || dst_id || ' ' || position || ' ' || anchor)"
                                " FROM (SELECT * FROM links ORDER BY src_id, position)";
    struct storekit *k = *state;
    char text[512];

    storekit_close(k);
    unlink(k->path);
    make_schema_7(k->path);
    storekit_open(k, REVISIT_ALL);
    assert_string_equal(storekit_text(k, LINKS, text), "1>2 0 to b,2>1 0 up,2>2 1 here");
    assert_string_equal(storekit_text(k, "SELECT group_concat(links_id) FROM (SELECT * FROM page ORDER BY url_id)", text), "1,2");
    storekit_fetch(k, 1, 0, "body", (const char *[]){ "http://old.example/b", NULL });
    assert_string_equal(storekit_text(k, "SELECT group_concat(links_id) FROM (SELECT * FROM page ORDER BY url_id)", text), "4,2");
    assert_string_equal(storekit_text(k, "SELECT group_concat(src_id || '>' || dst_id) FROM"
                                         " (SELECT * FROM links ORDER BY src_id, position)",
                                      text),
                        "1>2,2>1,2>2");
    storekit_finish(k);
}

/* As a program of schema 8 left it: numbers of removed links are missing, and one page names some that are no more. */
static void make_schema_8(const char *path)
{
    sqlite3 *handle;

    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    for (int n = 1; n <= 8; n++)
        run_sql(handle, schema_sql(n));
    run_sql(handle, schema_sql(DB_SCHEMA_VERSION + 1));
    run_sql(
        handle,
        "DROP VIEW links;"
        "CREATE VIEW links AS SELECT p.url_id AS src_id, dst_id, anchor, position FROM page p"
        " JOIN outlink l ON l.set_id = p.links_id;"
        "DROP VIEW pages; CREATE VIEW pages AS SELECT url_id, coalesce(text_id, fetch_id) AS fetch_id, title FROM page;"
        "DROP VIEW page_history; CREATE VIEW page_history AS SELECT url_id, title FROM page_old;"
        "CREATE VIEW mine AS SELECT count(*) AS n FROM outlink;"
        "CREATE INDEX outlink_by_dst ON outlink (dst_id, set_id);"
        "PRAGMA application_id = 1129469772; PRAGMA user_version = 8;"
        "INSERT INTO meta VALUES ('hash_secret', 4711);"
        "INSERT INTO runs (id, started_at, finished_at, state) VALUES (1, 1, 2, 'finished');"
        "INSERT INTO hosts (id, scheme, host, port) VALUES (1, 'http', 'old.example', 80);"
        "UPDATE state_count SET n = 4 WHERE state = 1;"
        "INSERT INTO url (id, key_hash, host_id, state, depth, redirects, hop, priority, retries, run_id,"
        " discovered_at, fetch_id, url) SELECT value, value, 1, 1, 0, 0, 0, 0, 0, 1, 1, value,"
        " 'http://old.example/' || value FROM json_each('[1,2,3,4]');"
        "INSERT INTO fetch (id, url_id, run_id, attempt, fetched_at, outcome, status_code)"
        " SELECT id, id, 1, 1, 1, 'http_error', 404 FROM url;"
        "INSERT INTO page (url_id, fetch_id, link_hash, parse_outcome, links_id, links_out) VALUES (1, 1, 5, 'ok', 12, 2),"
        " (2, 2, 6, 'ok', 3, 5), (3, 3, 0, 'ok', NULL, 0), (4, 4, 0, 'ok', 1, NULL);"
        "INSERT INTO outlink (set_id, position, dst_id, bits, anchor) VALUES (3, 2, 1, 0, 'up'), (3, 0, 2, 0, 'two'),"
        " (12, 0, 4, 0, 'four'), (12, 1, 3, 0, 'three'), (12, 7, 2, 0, 'second');");
    sqlite3_close(handle);
}

#define ALL_LINKS                                                                               \
    "SELECT group_concat(src_id || '>' || dst_id || ' ' || position || ' ' || anchor) FROM" \
    " (SELECT * FROM links ORDER BY src_id, position)"

static void links_that_had_numbers_by_page_get_their_own(void **state)
{
    struct storekit *k = *state;
    char text[512];

    storekit_close(k);
    unlink(k->path);
    make_schema_8(k->path);
    storekit_open(k, REVISIT_ALL);
    assert_string_equal(storekit_text(k, ALL_LINKS, text), "1>4 0 four,1>3 1 three,1>2 2 second,2>2 0 two,2>1 1 up");
    assert_string_equal(storekit_text(k, "SELECT group_concat(url_id || ':' || coalesce(links_id, '-') || ' ' ||"
                                         " coalesce(links_out, '-')) FROM (SELECT * FROM page ORDER BY url_id)",
                                      text),
                        "1:3 3,2:1 5,3:- 0,4:- -");
    assert_string_equal(storekit_text(k, "SELECT n FROM mine", text), "5");
    assert_string_equal(storekit_text(k, "SELECT count(*) FROM sqlite_schema WHERE name IN ('set_move', 'outlink_8',"
                                         " 'outlink_by_dst')", text), "0");
    storekit_finish(k);
}

static enum err on_link(void *arg, const struct span *columns, const struct reader_value *values, size_t n)
{
    struct buf *out = arg;

    (void)columns;
    if (!values)
        return OK;
    assert_int_equal(n, 5);
    return buf_printf(out, "%.*s > %.*s (%.*s), ", SPAN_ARG(values[0].text), SPAN_ARG(values[1].text),
                      SPAN_ARG(values[4].text));
}

static enum err on_one(void *arg, const struct span *columns, const struct reader_value *values, size_t n)
{
    (void)columns;
    (void)n;
    return values ? buf_printf(arg, "%.*s;", SPAN_ARG(values[0].text)) : OK;
}

/* A reader knows them by page and place, where later files number them. */
static void links_of_old_files_are_reported_by_their_place(void **state)
{
    struct storekit *k = *state;
    const struct reader_report *report = reader_find_report(SPAN("broken-links"));
    struct err_note note = { "" };
    struct buf rows;
    struct reader *r;

    storekit_close(k);
    unlink(k->path);
    make_schema_8(k->path);
    buf_init(&rows, MIB);
    assert_true(lacks(k->path, "outlink.id"));
    assert_false(lacks(k->path, "outlink.position"));
    if (reader_open(k->path, &r, &note) ||
        reader_query(r, span_str(report->sql), NULL, 0, on_link, &rows, &note) || buf_append_byte(&rows, '\0'))
        fail_msg("%s", note.text);
    assert_string_equal(buf_span(&rows).ptr, "http://old.example/1 > http://old.example/4 (four), "
                                             "http://old.example/1 > http://old.example/3 (three), "
                                             "http://old.example/1 > http://old.example/2 (second), "
                                             "http://old.example/2 > http://old.example/2 (two), "
                                             "http://old.example/2 > http://old.example/1 (up), ");
    reader_close(r);
    buf_clear(&rows);
}

/* --- schema 10 counts the references that have no row -------------------------------------- */

static void pages_of_old_files_have_counted_no_other_links(void **state)
{
    static const char COUNTS[] = "SELECT count(*) || ' ' || coalesce(group_concat(links_other), '-') FROM pages";
    struct storekit *k = *state;
    struct err_note note = { "" };
    struct store_op *op;
    struct buf rows;
    struct reader *r;
    char text[512];

    storekit_close(k);
    unlink(k->path);
    make_schema_8(k->path);
    buf_init(&rows, MIB);
    assert_true(lacks(k->path, "page.links_other"));
    if (reader_open(k->path, &r, &note) || reader_query(r, span_str(COUNTS), NULL, 0, on_one, &rows, &note) ||
        reader_query(r, SPAN("SELECT count(*) || ' ' || count(links_other) FROM page_history"), NULL, 0, on_one, &rows, &note))
        fail_msg("%s", note.text);
    assert_true(span_eq(buf_span(&rows), SPAN("4 -;0 0;")));
    reader_close(r);
    buf_clear(&rows);

    storekit_open(k, REVISIT_ALL);
    op = storekit_visit(1, 2, 1);
    storekit_page(op, "title", "text", "body")->links_other = 7;
    storekit_do(k, op);
    store_op_free(op);
    op = storekit_visit(1, 3, 1);
    storekit_page(op, "title", "another text", "another body");
    storekit_do(k, op);
    store_op_free(op);
    assert_string_equal(storekit_text(k, COUNTS, text), "4 0");
    assert_string_equal(storekit_text(k, "SELECT group_concat(coalesce(links_other, '-')) FROM page_history", text), "-,7");
    storekit_finish(k);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, storekit_set_up, storekit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(old_files_are_hashed_anew_and_read_as_they_are),
        WITH_STORE(old_files_get_all_views_anew_and_keep_those_of_users),
        WITH_STORE(links_of_old_files_are_kept_and_new_ones_get_higher_numbers),
        WITH_STORE(links_that_had_numbers_by_page_get_their_own),
        WITH_STORE(links_of_old_files_are_reported_by_their_place),
        WITH_STORE(pages_of_old_files_have_counted_no_other_links),
    };

    return cmocka_run_group_tests_name("store/migrations", tests, NULL, NULL);
}
