/* SPDX-License-Identifier: MIT */
/*
 * The log's writes are gathered, and nobody can tell: other readers see each commit at once,
 * a copy taken right after it is whole, and a write that fails undoes its transaction.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/gather.h"

/* --- a VFS beneath, which counts what is written to logs and can fail -------------------- */

static sqlite3_vfs counting;
static int n_writes, fail_at; /* 0: never */

static const sqlite3_io_methods *real_methods;
static sqlite3_io_methods changed;

static int on_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 offset)
{
    if (++n_writes == fail_at)
        return SQLITE_FULL;
    return real_methods->xWrite(file, bytes, n, offset);
}

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                   int *out_flags)
{
    sqlite3_vfs *real = sqlite3_vfs_find("unix");
    int rc = real->xOpen(real, name, file, flags, out_flags);

    (void)vfs;
    if (rc || !(flags & SQLITE_OPEN_WAL))
        return rc;
    real_methods = file->pMethods;
    changed = *real_methods;
    changed.xWrite = on_write;
    file->pMethods = &changed;
    return rc;
}

/* --- a database ---------------------------------------------------------------------------- */

static char folder[] = "/tmp/crawl-gather-XXXXXX", path[64];
static sqlite3 *db;

static void run(sqlite3 *handle, const char *sql)
{
    char *error = NULL;

    if (sqlite3_exec(handle, sql, NULL, NULL, &error))
        fail_msg("%s: %s", sql, error);
}

static int number(sqlite3 *handle, const char *sql)
{
    sqlite3_stmt *st;
    int n;

    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    n = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return n;
}

/* What somebody else finds who opens the file now. */
static int number_elsewhere(const char *file, const char *sql)
{
    sqlite3 *other;
    int n;

    assert_int_equal(sqlite3_open_v2(file, &other, SQLITE_OPEN_READWRITE, "unix"),
                     SQLITE_OK);
    n = number(other, sql);
    assert_int_equal(
        number(other, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    /* Not the last connection, and it leaves the log alone. */
    sqlite3_db_config(other, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    return n;
}

static int set_up_once(void **state)
{
    (void)state;
    counting = *sqlite3_vfs_find(NULL);
    counting.zName = "counting";
    counting.xOpen = on_open;
    sqlite3_vfs_register(&counting, 1);
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/a.db", folder);
    return 0;
}

static int tear_down_once(void **state)
{
    (void)state;
    return rmdir(folder);
}

static int set_up(void **state)
{
    (void)state;
    n_writes = fail_at = 0;
    assert_int_equal(sqlite3_open_v2(path, &db,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                     gather_vfs()),
                     SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    gather_watch(db);
    run(db,
        "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=NORMAL;"
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, filler BLOB)");
    return 0;
}

static int tear_down(void **state)
{
    static const char *const ends[] = { "", "-wal", "-shm" };
    char name[80];

    (void)state;
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
    return 0;
}

#define FILL(from, to)                                                             \
    "WITH RECURSIVE i(n) AS (SELECT " #from " UNION ALL SELECT n + 1 FROM i WHERE" \
    " n < " #to ") INSERT INTO t SELECT n, n, randomblob(1500) FROM i"

/* --- tests --------------------------------------------------------------------------------- */

static void a_transaction_is_written_in_few_pieces(void **state)
{
    (void)state;
    n_writes = 0;
    run(db, "BEGIN;" FILL(1, 1000) ";COMMIT");
    assert_in_range(number(db, "PRAGMA page_count"), 450, 1000);
    /* Each of these pages is two writes of SQLite's; 128 KiB hold thirty of them. */
    assert_in_range(n_writes, 10, 40);
    assert_int_equal(number_elsewhere(path, "SELECT count(*) FROM t"), 1000);
}

static void each_commit_is_there_for_others_at_once(void **state)
{
    (void)state;
    for (int i = 1; i <= 50; i++) {
        char sql[96];

        (void)snprintf(sql, sizeof sql,
                       "INSERT INTO t VALUES (%d, %d, randomblob(900))", i, i);
        run(db, sql);
        assert_int_equal(number_elsewhere(path, "SELECT max(n) FROM t"), i);
    }
}

static void what_is_not_committed_is_there_for_nobody(void **state)
{
    (void)state;
    run(db, FILL(1, 10));
    run(db, "PRAGMA cache_size=10; BEGIN;" FILL(11, 900));
    assert_int_equal(number(db, "SELECT count(*) FROM t"), 900);
    assert_int_equal(number_elsewhere(path, "SELECT count(*) FROM t"), 10);
    run(db, "ROLLBACK;" FILL(11, 20));
    assert_int_equal(number_elsewhere(path, "SELECT count(*) FROM t"), 20);
}

/* With a small cache pages are written before the commit, read again, and written again: SQLite then goes
 * back in the log and counts its checksums anew. */
static void pages_that_change_again_are_right(void **state)
{
    (void)state;
    run(db, FILL(1, 600));
    run(db, "PRAGMA cache_size=10");
    for (int round = 1; round <= 5; round++) {
        run(db,
            "BEGIN; UPDATE t SET n = n + 1 WHERE id % 3 = 0; UPDATE t SET n = n + 1;"
            "UPDATE t SET n = n - 1 WHERE id % 3 = 0; COMMIT");
        assert_int_equal(number_elsewhere(path, "SELECT sum(n - id) FROM t"),
                         600 * round);
        assert_int_equal(number_elsewhere(path, "SELECT count(DISTINCT n - id) FROM t"),
                         1);
    }
}

static void a_write_that_fails_undoes_its_transaction(void **state)
{
    (void)state;
    run(db, FILL(1, 100));
    for (int at = 1; at <= 12; at++) {
        n_writes = 0;
        fail_at = at;
        assert_int_equal(
            sqlite3_exec(db, "BEGIN;" FILL(101, 1500) ";COMMIT", NULL, NULL, NULL),
            SQLITE_FULL);
        assert_int_equal(n_writes, at);
        fail_at = 0;
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        assert_int_equal(number(db, "SELECT count(*) FROM t"), 100);
        assert_int_equal(number_elsewhere(path, "SELECT count(*) FROM t"), 100);
    }
    run(db, FILL(101, 110));
    assert_int_equal(number_elsewhere(path, "SELECT count(*) FROM t"), 110);
}

/* Another program commits where the frames of what was rolled back would have been. */
static void what_was_rolled_back_is_never_written(void **state)
{
    sqlite3 *other;

    (void)state;
    run(db, FILL(1, 10));
    assert_int_equal(sqlite3_open_v2(path, &other, SQLITE_OPEN_READWRITE, "unix"),
                     SQLITE_OK);
    sqlite3_db_config(other, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    run(db, "PRAGMA cache_size=10");
    for (int i = 1; i <= 20; i++) {
        char sql[160];

        run(db, "BEGIN IMMEDIATE; UPDATE t SET n = -1;" FILL(10001, 10070) ";ROLLBACK");
        (void)snprintf(sql, sizeof sql,
                       "INSERT INTO t VALUES (%d, %d, randomblob(3000))", 100 + i, i);
        run(other, sql);
        assert_int_equal(number(db, "SELECT count(*) FROM t"), 10 + i);
        assert_int_equal(number(db, "SELECT sum(length(filler) > 0) FROM t"), 10 + i);
        assert_int_equal(number_elsewhere(path, "SELECT count(*) FROM t"), 10 + i);
    }
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

/* A read that finds no room to write first undoes the whole transaction, as a write would. */
static void no_room_at_a_read_undoes_all_of_it(void **state)
{
    (void)state;
    run(db, FILL(1, 10));
    run(db, "PRAGMA cache_size=10");
    for (int rows = 11; rows < 70; rows++) {
        char sql[200];

        (void)snprintf(
            sql, sizeof sql,
            "BEGIN; WITH RECURSIVE i(n) AS (SELECT 11 UNION ALL SELECT n + 1 FROM i WHERE"
            " n < %d) INSERT INTO t SELECT n, n, randomblob(1500) FROM i",
            rows);
        run(db, sql);
        n_writes = 0;
        fail_at = 1;
        (void)sqlite3_exec(db, "UPDATE t SET n = n + 1", NULL, NULL, NULL);
        fail_at = 0;
        if (n_writes == 0) { /* it fit */
            run(db, "ROLLBACK");
            continue;
        }
        assert_int_equal(sqlite3_get_autocommit(db), 1);
        assert_int_equal(number(db, "SELECT count(*) FROM t"), 10);
        assert_int_equal(number_elsewhere(path, "SELECT sum(n - id) FROM t"), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_transaction_is_written_in_few_pieces, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(each_commit_is_there_for_others_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_committed_is_there_for_nobody,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(pages_that_change_again_are_right, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_was_rolled_back_is_never_written, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(no_room_at_a_read_undoes_all_of_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_write_that_fails_undoes_its_transaction,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, set_up_once, tear_down_once);
}
