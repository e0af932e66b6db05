/* SPDX-License-Identifier: MIT */
/*
 * The write-ahead log is copied back beside the writer: it stays short, whoever
 * reads, and nothing is lost where the thread cannot help.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/checkpoint.h"
#include "tests/kit/storekit.h"

#define LOG_BYTES (1 * MIB)
#define N_PAGES   300

static struct storekit kit;
static int64_t n_fetched;

static int set_up(void **state)
{
    storekit_init(&kit);
    kit.options.log_bytes = LOG_BYTES;
    n_fetched = 0;
    *state = &kit;
    return 0;
}

/* Each is a transaction of some ten pages of the file. */
static void fetch_pages(struct storekit *k, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        char url[64];

        snprintf(url, sizeof url, "http://a.example/%lld", (long long)n_fetched++);
        storekit_fetch(k, storekit_seed(k, url), 0, url, (const char *[]){ NULL });
    }
}

static int64_t log_bytes(const struct storekit *k)
{
    char path[160];
    struct stat st;

    snprintf(path, sizeof path, "%s-wal", k->path);
    return stat(path, &st) ? -1 : (int64_t)st.st_size;
}

static int64_t warnings(struct storekit *k)
{
    return storekit_int(k, "SELECT count(*) FROM events WHERE event = 'wal-growing'");
}

static void the_log_stays_short_while_much_is_written(void **state)
{
    struct storekit *k = *state;

    storekit_open(k, REVISIT_ALL);
    fetch_pages(k, N_PAGES);
    /* It was written some twenty times over; the thread may be late a few times. */
    assert_true(log_bytes(k) > LOG_BYTES / 2);
    assert_true(log_bytes(k) < 6 * LOG_BYTES);
    assert_int_equal(warnings(k), 0);
    storekit_finish(k);
    assert_int_equal(log_bytes(k), -1);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM pages"), N_PAGES);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM pragma_integrity_check"
                                     " WHERE integrity_check <> 'ok'"),
                     0);
}

/* How often the log began anew: its header counts (https://www.sqlite.org/walformat.html, 1.2; big-endian). */
static int64_t count_logs(const struct storekit *k)
{
    unsigned char n[4];
    char path[160];
    int fd;

    snprintf(path, sizeof path, "%s-wal", k->path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, n, sizeof n, 12), sizeof n);
    close(fd);
    return (int64_t)n[0] << 24 | n[1] << 16 | n[2] << 8 | n[3];
}

/* The end of a log costs the writer two syncs, so each is used to its length: not one more for a first few pages. */
static void no_log_ends_where_it_began(void **state)
{
    struct storekit *k = *state;
    int64_t before, n_short = 0, n_logs;

    storekit_open(k, REVISIT_ALL);
    fetch_pages(k, 1);
    n_logs = count_logs(k);
    for (int i = 0; i < N_PAGES; i++) {
        before = count_logs(k);
        fetch_pages(k, 1); /* two transactions */
        n_short += count_logs(k) > before + 1;
    }
    n_logs = count_logs(k) - n_logs;
    assert_true(n_logs > 5);
    assert_true(n_short <= n_logs / 4); /* the writer may have been idle where the machine is busy, and copied what there was */
    storekit_finish(k);
}

static void a_reader_holds_the_log_back_and_it_is_said_once(void **state)
{
    struct storekit *k = *state;
    int64_t held_bytes;
    sqlite3 *reader;

    storekit_open(k, REVISIT_ALL);
    fetch_pages(k, 1);
    assert_int_equal(sqlite3_open(k->path, &reader), SQLITE_OK);
    sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM url", NULL, NULL, NULL);
    fetch_pages(k, N_PAGES);
    held_bytes = log_bytes(k);
    assert_true(held_bytes > 6 * LOG_BYTES);
    assert_int_equal(warnings(k), 1);
    sqlite3_close(reader);
    /*
     * When it is a quarter longer it is copied, and begins anew at the latest when it has twice that length, where
     * the disk is slow: its file grows no more.
     */
    fetch_pages(k, 4 * N_PAGES);
    assert_true(log_bytes(k) < held_bytes * 3);
    storekit_finish(k);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM pages"), 5 * N_PAGES + 1);
}

static void a_file_that_was_moved_gets_no_second_connection(void **state)
{
    struct storekit *k = *state;
    struct err_note note = { "" };
    char moved[160];
    struct db *d;

    storekit_open(k, REVISIT_ALL);
    storekit_finish(k);
    assert_int_equal(db_open(k->path, &d, &note), OK);
    db_value(d, "SELECT count(*) FROM url", 0);
    snprintf(moved, sizeof moved, "%s.moved", k->path);
    assert_int_equal(rename(k->path, moved), 0);
    assert_null(checkpoint_new(d, false));
    assert_int_equal(rename(moved, k->path), 0);
    db_close(d);
}

/* Without the thread the writer copies by itself: slower, and as short a log. */
static void without_a_second_connection_the_log_stays_short_too(void **state)
{
    struct storekit *k = *state;
    struct rlimit full, none_left;
    int64_t bytes;
    int next;

    storekit_open(k, REVISIT_ALL);
    next = dup(STDERR_FILENO);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &full), 0);
    none_left = (struct rlimit){ (rlim_t)next, full.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none_left), 0);
    fetch_pages(k, N_PAGES);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &full), 0);
    bytes = log_bytes(k);
    assert_true(bytes > LOG_BYTES / 2);
    assert_true(bytes < 2 * LOG_BYTES);
    storekit_finish(k);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM pages"), N_PAGES);
}

static void the_thread_says_what_it_copied(void **state)
{
    struct storekit *k = *state;
    struct checkpoint_result r;
    struct checkpoint *c;
    struct db *d;

    storekit_open(k, REVISIT_ALL);
    storekit_finish(k);
    assert_int_equal(db_open(k->path, &d, NULL), OK);
    db_exec(d, "PRAGMA wal_autocheckpoint=0");
    c = checkpoint_new(d, false);
    assert_non_null(c);
    assert_false(checkpoint_take(c, &r));
    db_exec(d, "CREATE TABLE extra (a); INSERT INTO extra VALUES (1)");
    checkpoint_begin(c);
    while (!checkpoint_take(c, &r))
        usleep(1000);
    assert_false(checkpoint_is_running(c));
    assert_int_equal(r.e, OK);
    assert_true(r.frames > 0);
    assert_int_equal(r.copied, r.frames);
    assert_false(checkpoint_take(c, &r));
    checkpoint_free(c);
    assert_int_equal(db_value(d, "SELECT a FROM extra", 0), 1);
    db_close(d);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_log_stays_short_while_much_is_written,
                                        set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(no_log_ends_where_it_began, set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(a_reader_holds_the_log_back_and_it_is_said_once,
                                        set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_was_moved_gets_no_second_connection,
                                        set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(
            without_a_second_connection_the_log_stays_short_too, set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(the_thread_says_what_it_copied, set_up,
                                        storekit_tear_down),
    };

    return cmocka_run_group_tests_name("store/checkpoint", tests, NULL, NULL);
}
