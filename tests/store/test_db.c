/* SPDX-License-Identifier: MIT */
/* The connection: errors that stick, values that are repaired, transactions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/db.h"
#include "store/schema.h"

static char path[64];

static int set_up(void **state)
{
    struct db *d;

    snprintf(path, sizeof path, "/tmp/crawl-db-%d.db", (int)getpid());
    assert_int_equal(schema_create(path, NULL), OK);
    assert_int_equal(db_open(path, &d, NULL), OK);
    *state = d;
    return 0;
}

static int tear_down(void **state)
{
    db_close(*state);
    unlink(path);
    return 0;
}

static void a_statement_is_prepared_once(void **state)
{
    static const char SQL[] = "SELECT 1";
    struct db *d = *state;

    assert_ptr_equal(db_stmt(d, SQL), db_stmt(d, SQL));
}

static void the_first_error_sticks(void **state)
{
    struct db *d = *state;
    char first[512];

    assert_null(db_stmt(d, "SELECT * FROM no_such_table"));
    assert_int_equal(d->failed, ERR_IO);
    snprintf(first, sizeof first, "%s", d->note.text);
    assert_non_null(strstr(first, "no_such_table"));
    assert_non_null(strstr(first, path));
    assert_null(db_stmt(d, "SELECT 1"));
    assert_int_equal(db_exec(d, "SELECT 1"), ERR_IO);
    assert_false(db_next(d, NULL));
    assert_int_equal(db_run(d, NULL), ERR_IO);
    assert_int_equal(db_value(d, "SELECT 1", 42), 42);
    assert_string_equal(d->note.text, first);
}

static void a_transaction_that_met_an_error_is_not_committed(void **state)
{
    struct db *d = *state;

    assert_int_equal(db_begin(d), OK);
    assert_int_equal(db_begin(d), OK);
    db_exec(d, "INSERT INTO meta VALUES ('x', 1)");
    db_fail(d, ERR_FULL, "no room");
    assert_int_equal(db_commit(d), ERR_FULL);
    assert_false(d->in_transaction);
    d->failed = OK;
    assert_int_equal(db_value(d, "SELECT count(*) FROM meta WHERE name = 'x'", -1), 0);
}

static void a_broken_constraint_is_an_error(void **state)
{
    struct db *d = *state;

    db_exec(d, "INSERT INTO meta VALUES ('x', 1)");
    assert_int_equal(db_exec(d, "INSERT INTO meta VALUES ('x', 2)"), ERR_IO);
    assert_non_null(strstr(d->note.text, "UNIQUE"));
}

static void attaching_is_off(void **state)
{
    struct db *d = *state;

    assert_int_not_equal(db_exec(d, "ATTACH '/tmp/other.db' AS other"), OK);
}

static void zero_and_below_can_mean_null(void **state)
{
    struct db *d = *state;
    sqlite3_stmt *st = db_stmt(d, "SELECT ?1, ?2, ?3, ?4, ?5");

    db_id(d, st, 1, 0);
    db_id(d, st, 2, 7);
    db_int_or_null(d, st, 3, -1);
    db_int_or_null(d, st, 4, 0);
    db_text(d, st, 5, SPAN_NONE);
    assert_true(db_next(d, st));
    assert_int_equal(sqlite3_column_type(st, 0), SQLITE_NULL);
    assert_int_equal(sqlite3_column_int(st, 1), 7);
    assert_int_equal(sqlite3_column_type(st, 2), SQLITE_NULL);
    assert_int_equal(sqlite3_column_type(st, 3), SQLITE_INTEGER);
    assert_int_equal(sqlite3_column_type(st, 4), SQLITE_NULL);
    db_done(st);
}

static const struct row {
    const char *label;
    struct span in;
    size_t max;
    struct span want;
} rows[] = {
    { "good text stays", { "caf\xc3\xa9", 5 }, 100, { "caf\xc3\xa9", 5 } },
    { "a stray byte becomes U+FFFD",
      { "a\xff"
        "b",
        3 },
      100,
      { "a\xef\xbf\xbd"
        "b",
        5 } },
    { "NUL becomes U+FFFD",
      { "a\0b", 3 },
      100,
      { "a\xef\xbf\xbd"
        "b",
        5 } },
    { "a cut sequence becomes U+FFFD",
      { "a\xe2\x82", 3 },
      100,
      { "a\xef\xbf\xbd\xef\xbf\xbd", 7 } },
    { "a surrogate becomes U+FFFD",
      { "\xed\xa0\x80", 3 },
      100,
      { "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 9 } },
    { "good text is not cut in a character", { "ab\xc3\xa9", 4 }, 3, { "ab", 2 } },
    { "long bytes are cut", { "\xff\xff\xff", 3 }, 1, { "\xef\xbf\xbd", 3 } },
};

static void wild_text(void **state)
{
    const struct row *row = *state;
    void *own = NULL;
    struct db *d;
    sqlite3_stmt *st;

    set_up(&own);
    d = own;
    st = db_stmt(d, "SELECT ?1");
    db_wild_text(d, st, 1, row->in, row->max);
    assert_true(db_next(d, st));
    assert_true(span_eq(db_column(st, 0), row->want));
    db_done(st);
    tear_down(&own);
}

#define WITH_DB(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    struct CMUnitTest tests[24] = {
        WITH_DB(a_statement_is_prepared_once),
        WITH_DB(the_first_error_sticks),
        WITH_DB(a_transaction_that_met_an_error_is_not_committed),
        WITH_DB(a_broken_constraint_is_an_error),
        WITH_DB(attaching_is_off),
        WITH_DB(zero_and_below_can_mean_null),
    };
    size_t n = 0;

    while (tests[n].name)
        n++;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[n++] = (struct CMUnitTest){ rows[i].label, wild_text, NULL, NULL,
                                          (void *)(uintptr_t)&rows[i] };
    return _cmocka_run_group_tests("store/db", tests, n, NULL, NULL);
}
