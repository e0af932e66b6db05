/* SPDX-License-Identifier: MIT */
/* Reading: what a query may not do, and that verify notices every kind of damage. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "config/buf.h"
#include "config/io.h"
#include "config/map.h"
#include "store/reader.h"
#include "tests/kit/storekit.h"

static struct storekit kit;

/*
 * Two pages with a body each, links, a redirect, a failure and an exclusion; the run is
 * over.
 */
static void fill(struct storekit *k)
{
    static const char content[] = "<p>the content of a page";
    struct store_offer target = storekit_offer("http://a.example/new", HOP_REDIRECT, 1),
                       excluded;
    struct page_facts *f;
    struct store_op *op;

    storekit_open(k, REVISIT_ALL);
    op = storekit_visit(storekit_seed(k, "http://a.example/"), 1, 0);
    f = storekit_page(op, "Title", "some text to search", content);
    storekit_body(op, f, span_str(content));
    storekit_links(
        op, (const char *[]){ "http://a.example/x", "http://a.example/old", NULL });
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
    storekit_fetch(k, storekit_id(k, "http://a.example/x"), 1, "x", NULL);
    op = storekit_visit(storekit_id(k, "http://a.example/old"), 1, 1);
    op->u.visit.outcome = "redirect";
    op->u.visit.redirect = &target;
    storekit_do(k, op);
    store_op_free(op);
    op = storekit_visit(storekit_id(k, "http://a.example/new"), 1, 1);
    op->u.visit.state = STATE_FAILED;
    op->u.visit.outcome = "timeout";
    storekit_do(k, op);
    store_op_free(op);
    excluded = storekit_offer("http://b.example/", HOP_LINK, 1);
    excluded.reason = REASON_SCOPE;
    storekit_offer_one(k, excluded);
    storekit_finish(k);
}

static int set_up(void **state)
{
    storekit_init(&kit);
    fill(&kit);
    *state = &kit;
    return 0;
}

/* --- queries ---------------------------------------------------------------------- */

struct seen_rows {
    size_t n_heads, n_rows, n_columns;
    struct reader_value first;
    char text[256];
};

static enum err on_row(void *arg, const struct span *columns,
                       const struct reader_value *values, size_t n)
{
    struct seen_rows *s = arg;

    s->n_columns = n;
    if (!values) {
        s->n_heads++;
        if (n)
            snprintf(s->text, sizeof s->text, "%.*s", SPAN_ARG(columns[0]));
        return OK;
    }
    s->n_rows++;
    s->first = values[0];
    if (values[0].type == READER_TEXT)
        snprintf(s->text, sizeof s->text, "%.*s", SPAN_ARG(values[0].text));
    return OK;
}

static struct reader *open_reader(struct storekit *k)
{
    struct reader *r = NULL;
    struct err_note note = { "" };

    if (reader_open(k->path, &r, &note))
        fail_msg("%s", note.text);
    return r;
}

static enum err query(struct storekit *k, const char *sql, struct seen_rows *out,
                      struct err_note *note)
{
    struct reader *r = open_reader(k);
    enum err e;

    *out = (struct seen_rows){ 0 };
    reader_set_deadline(r, 500);
    e = reader_query(r, span_str(sql), NULL, 0, on_row, out, note);
    reader_close(r);
    return e;
}

static void the_head_comes_once_also_without_rows(void **state)
{
    struct seen_rows rows;

    assert_int_equal(query(*state, "SELECT url, id FROM urls WHERE 0", &rows, NULL),
                     OK);
    assert_int_equal(rows.n_heads, 1);
    assert_int_equal(rows.n_rows, 0);
    assert_int_equal(rows.n_columns, 2);
    assert_string_equal(rows.text, "url");
}

static void values_have_their_types(void **state)
{
    struct seen_rows rows;

    assert_int_equal(query(*state, "SELECT 7", &rows, NULL), OK);
    assert_int_equal(rows.first.type, READER_INTEGER);
    assert_int_equal(rows.first.integer, 7);
    assert_int_equal(query(*state, "SELECT 0.5", &rows, NULL), OK);
    assert_int_equal(rows.first.type, READER_REAL);
    assert_int_equal(query(*state, "SELECT x'00ff'", &rows, NULL), OK);
    assert_int_equal(rows.first.type, READER_BLOB);
    assert_int_equal(rows.first.text.len, 2);
    assert_int_equal(query(*state, "SELECT NULL", &rows, NULL), OK);
    assert_int_equal(rows.first.type, READER_NULL);
}

static void full_text_can_be_searched(void **state)
{
    struct seen_rows rows;
    struct err_note note = { "" };

    if (query(*state,
              "SELECT p.title FROM page_text t JOIN pages p ON p.text_id = t.rowid"
              " WHERE page_text MATCH 'search'",
              &rows, &note))
        fail_msg("%s", note.text);
    assert_int_equal(rows.n_rows, 1);
    assert_string_equal(rows.text, "Title");
}

static void an_endless_query_is_ended(void **state)
{
    struct seen_rows rows;
    struct err_note note = { "" };

    assert_int_equal(
        query(*state,
              "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
              " SELECT count(*) FROM c",
              &rows, &note),
        ERR_TIMEOUT);
}

static void a_reader_works_beside_a_crawl(void **state)
{
    struct storekit *k = *state;
    struct seen_rows rows;
    struct reader *r;

    storekit_open(k, REVISIT_NONE);
    r = open_reader(k);
    storekit_seed(k, "http://c.example/");
    assert_int_equal(reader_query(r,
                                  SPAN("SELECT url FROM urls ORDER BY id DESC LIMIT 1"),
                                  NULL, 0, on_row, &rows, NULL),
                     OK);
    assert_string_equal(rows.text, "http://c.example/");
    reader_close(r);
}

static const char *const refused[] = {
    "DELETE FROM url",
    "UPDATE url SET state = 1",
    "INSERT INTO meta VALUES ('x', 1)",
    "INSERT INTO page_text (page_text) VALUES ('optimize')",
    "DROP TABLE url",
    "CREATE TABLE t (x)",
    "CREATE TEMP TABLE t (x)",
    "CREATE VIEW v AS SELECT 1",
    "UPDATE sqlite_master SET sql = ''",
    "ATTACH '/tmp/other.db' AS other",
    "VACUUM",
    "VACUUM INTO '/tmp/crawl-test-copy.db'",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA query_only = 0",
    "PRAGMA writable_schema = 1",
    "PRAGMA user_version = 9",
    "SELECT load_extension('x')",
    "REINDEX",
    "ANALYZE",
    "SELECT 1; DELETE FROM url",
    "",
    "SELECT FROM WHERE",
    "SELECT * FROM no_such_table",
};

static void is_refused(void **state)
{
    struct seen_rows rows;
    struct err_note note = { "" };
    struct buf before, after;

    storekit_init(&kit);
    fill(&kit);
    buf_init(&before, 64 * MIB);
    buf_init(&after, 64 * MIB);
    assert_int_equal(io_read_file(kit.path, &before, NULL), OK);
    assert_int_equal(query(&kit, *state, &rows, &note), ERR_USAGE);
    assert_true(note.text[0]);
    assert_int_equal(io_read_file(kit.path, &after, NULL), OK);
    assert_true(span_eq(buf_span(&before), buf_span(&after)));
    buf_clear(&before);
    buf_clear(&after);
    storekit_clear(&kit);
}

/* verify passes over a check of a table that an older file lacks; a name that no file has would hide it. */
static void every_check_names_a_table_or_column(void **state)
{
    struct reader *r = open_reader(*state);
    struct err_note note;

    for (const struct reader_report *p = reader_checks; p->name; p++) {
        struct span about = span_str(p->about), table = span_slice(about, 0, span_find(about, '.')),
                    column = span_skip(about, table.len + 1);
        char sql[96];

        snprintf(sql, sizeof sql, "SELECT count(%.*s) FROM %.*s", SPAN_ARG(column.len ? column : SPAN("*")),
                 SPAN_ARG(table));
        if (reader_query(r, span_str(sql), NULL, 0, on_row, &(struct seen_rows){ 0 }, &note))
            fail_msg("%s: %s", p->name, note.text);
        assert_false(reader_may_lack(r, p->about));
    }
    assert_false(reader_may_lack(r, "no_such_table"));
    reader_close(r);
}

static void every_named_report_runs(void **state)
{
    struct reader *r = open_reader(*state);
    const struct reader_report *const lists[] = { reader_reports, reader_status,
                                                  reader_checks };
    struct err_note note = { "" };

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        for (const struct reader_report *p = lists[i]; p->name; p++) {
            struct seen_rows rows = { 0 };

            if (reader_query(r, span_str(p->sql), NULL, 0, on_row, &rows, &note))
                fail_msg("%s: %s", p->name, note.text);
            assert_int_equal(rows.n_heads, 1);
        }
    assert_ptr_equal(reader_find_report(SPAN("broken-links")), &reader_reports[0]);
    assert_null(reader_find_report(SPAN("no-such-report")));
    reader_close(r);
}

/* Of the same times as SQLite's own, and the log has what the view has. */
static void the_log_tells_times_as_its_view_does(void **state)
{
    static const char *const different[] = {
        "WITH t(ms) AS (VALUES (0), (1), (-1), (-30610224000000), (1796017077386), (951782399999), (253402300799999))"
        " SELECT ms FROM t WHERE iso_time(ms) IS NOT strftime('%Y-%m-%dT%H:%M:%fZ', ms / 1000.0, 'unixepoch')",
        "SELECT 1 WHERE iso_time(NULL) IS NOT NULL OR iso_time('x') IS NOT NULL",
    };
    struct span log = span_str(reader_find_report(SPAN("log"))->sql);
    struct seen_rows rows;
    struct err_note note;
    char sql[2048];

    for (size_t i = 0; i < ARRAY_LEN(different); i++) {
        assert_int_equal(query(*state, different[i], &rows, &note), OK);
        assert_int_equal(rows.n_rows, 0);
    }
    snprintf(sql, sizeof sql,
             "SELECT * FROM (%.*s) EXCEPT SELECT fetched_at, status_code, outcome, total_ms, size, url, attempt, run_id,"
             " parent_url, content_type, ip, error FROM crawl_log",
             SPAN_ARG(log));
    assert_int_equal(query(*state, sql, &rows, &note), OK);
    assert_int_equal(rows.n_rows, 0);
}

/* However its URLs are written. */
static void the_hashes_of_an_origin_lie_side_by_side(void **state)
{
    static const char SQL[] =
        "WITH t(scheme, host, port, key) AS (VALUES ('http', 'a.example', 80, 'http://a.example/x?y'),"
        " ('https', 'a.example', 443, 'https://a.example/'), ('http', 'a.example', 8080, 'http://a.example:8080/z'),"
        " ('http', 'a.example.', 80, 'http://a.example/'), ('http', '[::1]', 81, 'http://[::1]:81/'))"
        " SELECT key FROM t WHERE (url_hash(key) BETWEEN origin_hash(scheme, host, port)"
        " AND origin_hash(scheme, host, port) | 281474976710655) IS NOT 1"
        " UNION ALL SELECT 'another' WHERE origin_hash('http', 'a.example', 80) = origin_hash('http', 'b.example', 80)"
        " UNION ALL SELECT 'none' WHERE origin_hash('http', '', 80) IS NOT NULL";
    struct seen_rows rows;
    struct err_note note;

    assert_int_equal(query(*state, SQL, &rows, &note), OK);
    if (rows.n_rows)
        fail_msg("%s", rows.text);
}

static void a_url_is_explained_by_its_key(void **state)
{
    struct reader *r = open_reader(*state);
    struct span key = SPAN("http://a.example/x"), id = SPAN("2");
    struct seen_rows rows = { 0 };

    assert_int_equal(reader_query(r, span_str(reader_explanations[0].sql), &key, 1,
                                  on_row, &rows, NULL),
                     OK);
    assert_int_equal(rows.n_rows, 1);
    assert_int_equal(rows.first.integer, 2);
    for (const struct reader_report *p = reader_explanations + 1; p->name; p++)
        assert_int_equal(reader_query(r, span_str(p->sql), &id, 1, on_row, &rows, NULL),
                         OK);
    reader_close(r);
}

static void what_is_no_database_of_ours_is_refused(void **state)
{
    struct storekit *k = *state;
    struct reader *r = NULL;
    char other[200];
    int fd;

    assert_int_equal(reader_open("/nonexistent.db", &r, NULL), ERR_NOT_FOUND);
    assert_int_equal(reader_open(k->dir, &r, NULL), ERR_REFUSED);
    snprintf(other, sizeof other, "%s/other", k->dir);
    fd = open(other, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, "text", 4), 4);
    close(fd);
    assert_int_equal(reader_open(other, &r, NULL), ERR_CORRUPT);
    assert_null(r);
}

/* --- verify ----------------------------------------------------------------------- */

static const struct row {
    const char *label; /* the damage */
    const char *sql;
    const char *check; /* part of the name of the check that must notice */
} rows[] = {
    { "nothing is wrong with a good file", "SELECT 1", NULL },
    { "a URL in no state", "UPDATE url SET state = 9 WHERE id = 2", "five states" },
    { "an exclusion without a reason", "UPDATE url SET reason = NULL WHERE state = 4",
      "has a reason" },
    { "a failure without an outcome", "UPDATE url SET reason = NULL WHERE state = 3",
      "has a reason" },
    { "a page with a reason", "UPDATE url SET reason = 3 WHERE id = 2",
      "no other URL has a reason" },
    { "a key twice", "UPDATE url SET url = 'http://a.example/' WHERE id = 2",
      "same key" },
    { "a wrong hash", "UPDATE url SET key_hash = key_hash + 1 WHERE id = 2",
      "hash of its key" },
    { "a URL that the index does not have", "DELETE FROM url_by_hash WHERE url_id = 2", "URLs by that hash" },
    { "a body that the index does not have", "DELETE FROM body_by_hash", "by their SHA-256" },
    { "an entry of no URL", "INSERT INTO url_by_hash VALUES (5, 999)", "no others" },
    { "an entry of no body", "INSERT INTO body_by_hash VALUES (x'0102030405060708', 1)", "no other bodies" },
    { "a wrong count", "UPDATE state_count SET n = n + 1 WHERE state = 1",
      "counts by state" },
    { "a queued URL without a host",
      "UPDATE url SET state = 0, host_id = 77 WHERE id = 2", "has a host" },
    { "a parent that is not there", "UPDATE url SET parent_id = 999 WHERE id = 2",
      "where it was found" },
    { "a fetched URL without its fetch", "UPDATE url SET fetch_id = NULL WHERE id = 2",
      "has its fetch" },
    { "a page without its fetch", "UPDATE page SET fetch_id = 999 WHERE url_id = 2",
      "its fetch" },
    { "a fetched URL without its page", "DELETE FROM page WHERE url_id = 2",
      "has its row" },
    { "a link to nowhere", "UPDATE outlink SET dst_id = 999 WHERE id = set_id",
      "ends of every link" },
    { "links of a page of no URL", "UPDATE page SET url_id = 999 WHERE url_id = 1", "ends of every link" },
    { "a link on no page", "INSERT INTO outlink VALUES (99, 99, 1, 0, NULL, NULL, NULL)",
      "stands on a page" },
    { "a link far from the others of its page", "INSERT INTO outlink SELECT 99, min(set_id), 1, 0, NULL, NULL, NULL FROM outlink",
      "follow each other" },
    { "a page that counts too few of its links", "UPDATE page SET links_out = links_out - 1 WHERE links_out > 0",
      "follow each other" },
    { "a link's text that is gone", "UPDATE outlink SET anchor_id = 999 WHERE id = set_id",
      "text of every link" },
    { "a redirect to nowhere", "UPDATE redirects SET dst_id = 999",
      "ends of every redirect" },
    { "a body that is gone", "DELETE FROM body", "fetch names" },
    { "a body counted wrongly", "UPDATE body SET refs = 5", "counted as often" },
    { "a body that does not unpack", "UPDATE body SET data = x'0011'", "SHA-256" },
    { "a body of another content", "UPDATE body SET sha256 = zeroblob(32)", "SHA-256" },
    { "a body of another size", "UPDATE body SET size = size - 1", "SHA-256" },
    { "a text that is not indexed", "UPDATE page SET text_id = 999 WHERE url_id = 1",
      "full-text" },
    { "a fetch of no run", "UPDATE fetch SET run_id = 9 WHERE id = 1",
      "a URL and a run" },
    { "a finished run with a queue",
      "UPDATE url SET state = 0, reason = NULL WHERE id = 4", "left nothing queued" },
};

static enum err on_exception(void *arg, const struct span *columns,
                             const struct reader_value *values, size_t n)
{
    size_t *wrong = arg;

    (void)columns;
    if (values && !(n == 1 && span_eq(values[0].text, SPAN("ok"))))
        ++*wrong;
    return OK;
}

static void verify(void **state)
{
    const struct row *row = *state;
    struct reader *r;
    sqlite3 *handle;
    char *problem = NULL;
    bool is_noticed = false;

    storekit_init(&kit);
    fill(&kit);
    assert_int_equal(sqlite3_open(kit.path, &handle), SQLITE_OK);
    sqlite3_exec(handle, row->sql, NULL, NULL, &problem);
    assert_null(problem);
    sqlite3_close(handle);
    r = open_reader(&kit);
    for (const struct reader_report *p = reader_checks; p->name; p++) {
        size_t wrong = 0;

        assert_int_equal(
            reader_query(r, span_str(p->sql), NULL, 0, on_exception, &wrong, NULL), OK);
        is_noticed = is_noticed || (wrong && row->check && strstr(p->name, row->check));
        if (wrong && !row->check)
            fail_msg("%s: %zu exceptions", p->name, wrong);
    }
    assert_int_equal(is_noticed, row->check != NULL);
    reader_close(r);
    storekit_clear(&kit);
}

/* Damage of a sector within a page of FTS5, which is a blob to PRAGMA integrity_check, and of its other tables. */
static const struct text_row {
    const char *label, *sql;
    bool is_wrong;
} text_rows[] = {
    { "a good index", "SELECT 1", false },
    { "a page of the index that is zeroes",
      "UPDATE page_text_data SET block = zeroblob(length(block)) WHERE id > 10", true },
    { "a page of the index that is cut", "UPDATE page_text_data SET block = substr(block, 1, 6) WHERE id > 10", true },
    { "a page of the index that is gone", "DELETE FROM page_text_data WHERE id > 10", true },
    { "the structure of the index overwritten", "UPDATE page_text_data SET block = x'00000000ff' WHERE id = 10", true },
    { "a block that is a number", "UPDATE page_text_data SET block = 7 WHERE id > 10", true },
    { "a configuration of a version to come", "UPDATE page_text_config SET v = 99 WHERE k = 'version'", true },
    { "no index at all, as with --no-text",
      "INSERT INTO page_text (page_text) VALUES ('delete-all')", false },
};

static void the_full_text_index_is_looked_through(void **state)
{
    const struct text_row *row = *state;
    struct reader_text text;
    struct err_note note = { "" };
    struct reader *r;
    sqlite3 *handle;

    storekit_init(&kit);
    fill(&kit);
    assert_int_equal(sqlite3_open(kit.path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, row->sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
    r = open_reader(&kit);
    assert_int_equal(reader_check_text(r, -1, &text, &note), OK);
    assert_int_equal(text.is_wrong, row->is_wrong);
    assert_false(text.is_left_out);
    assert_int_equal(text.problem[0] != '\0', row->is_wrong);
    reader_close(r);
    storekit_clear(&kit);
}

static void a_large_full_text_index_is_left_out(void **state)
{
    struct reader_text text;
    struct err_note note = { "" };
    int64_t bytes;
    struct reader *r = open_reader(&kit);

    (void)state;
    assert_int_equal(reader_check_text(r, -1, &text, &note), OK);
    bytes = text.bytes;
    assert_true(bytes > 0);
    reader_close(r);
    r = open_reader(&kit);
    assert_int_equal(reader_check_text(r, bytes - 1, &text, &note), OK);
    assert_true(text.is_left_out);
    reader_close(r);
    r = open_reader(&kit);
    assert_int_equal(reader_check_text(r, bytes, &text, &note), OK);
    assert_false(text.is_left_out);
    reader_close(r);
}

/* Somebody who may read the file and not write beside it, such as a group of analysts. */
static void what_may_only_be_read_can_be_read(void **state)
{
    const struct span count = SPAN("SELECT count(*) FROM urls");
    struct err_note note;
    struct reader *r;
    struct seen_rows seen = { 0 };
    uid_t me = geteuid();
    struct stat st;

    (void)state;
    assert_int_equal(stat(kit.dir, &st), 0);
    assert_int_equal(chmod(kit.path, 0444), 0);
    assert_int_equal(chmod(kit.dir, 0555), 0);
    assert_true(me || !seteuid(65534)); /* root may write anything */
    assert_int_equal(reader_open(kit.path, &r, &note), OK);
    assert_int_equal(reader_query(r, count, NULL, 0, on_row, &seen, &note), OK);
    assert_true(me || !seteuid(0));
    assert_true(seen.first.integer > 3);

    /* A file that changed under a query gives no answer that might be half of each. */
    assert_int_equal(utimensat(AT_FDCWD, kit.path, NULL, 0), 0);
    assert_int_equal(reader_query(r, count, NULL, 0, on_row, &seen, &note), ERR_IO);
    reader_close(r);
    assert_int_equal(chmod(kit.dir, st.st_mode & 0777), 0);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, set_up, storekit_tear_down)

/* Closes the database a moment later. */
static void *let_go(void *arg)
{
    usleep(200000);
    assert_int_equal(sqlite3_close(arg), SQLITE_OK);
    return NULL;
}

/* As a crawl has it that ends, or that reads the log of one that was killed. */
static void a_file_that_another_has_alone_is_waited_for(void **state)
{
    struct err_note note;
    pthread_t thread;
    struct reader *r;
    sqlite3 *other;

    (void)state;
    assert_int_equal(sqlite3_open(kit.path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(pthread_create(&thread, NULL, let_go, other), 0);
    assert_int_equal(reader_open(kit.path, &r, &note), OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    reader_close(r);
}

int main(void)
{
    struct CMUnitTest tests[80] = {
        WITH_FILE(the_head_comes_once_also_without_rows),
        WITH_FILE(values_have_their_types),
        WITH_FILE(full_text_can_be_searched),
        WITH_FILE(an_endless_query_is_ended),
        WITH_FILE(a_reader_works_beside_a_crawl),
        WITH_FILE(a_file_that_another_has_alone_is_waited_for),
        WITH_FILE(every_check_names_a_table_or_column),
        WITH_FILE(every_named_report_runs),
        WITH_FILE(the_log_tells_times_as_its_view_does),
        WITH_FILE(the_hashes_of_an_origin_lie_side_by_side),
        WITH_FILE(a_url_is_explained_by_its_key),
        WITH_FILE(what_is_no_database_of_ours_is_refused),
        WITH_FILE(a_large_full_text_index_is_left_out),
        WITH_FILE(what_may_only_be_read_can_be_read),
    };
    size_t n = 0;

    while (tests[n].name)
        n++;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        tests[n++] =
            (struct CMUnitTest){ refused[i][0] ? refused[i] : "(nothing)", is_refused,
                                 NULL, NULL, (void *)(uintptr_t)refused[i] };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[n++] = (struct CMUnitTest){ rows[i].label, verify, NULL, NULL,
                                          (void *)(uintptr_t)&rows[i] };
    for (size_t i = 0; i < ARRAY_LEN(text_rows); i++)
        tests[n++] = (struct CMUnitTest){ text_rows[i].label, the_full_text_index_is_looked_through, NULL, NULL,
                                          (void *)(uintptr_t)&text_rows[i] };
    return _cmocka_run_group_tests("store/reader", tests, n, NULL, NULL);
}
