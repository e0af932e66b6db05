/* SPDX-License-Identifier: MIT */
/* Which files are opened, which are refused, unchanged, and with which words. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "config/buf.h"
#include "config/io.h"
#include "config/map.h"
#include "store/db.h"
#include "store/guard.h"
#include "store/reader.h"
#include "tests/kit/storekit.h"

static struct storekit kit;

static int set_up(void **state)
{
    storekit_init(&kit);
    *state = &kit;
    return 0;
}

/* A finished database at the kit's path. */
static void make_database(struct storekit *k)
{
    storekit_open(k, REVISIT_ALL);
    storekit_fetch(k, storekit_seed(k, "http://a.example/"), 0, "body",
                   (const char *[]){ "http://a.example/x", NULL });
    storekit_finish(k);
}

static void put_file(const char *path, struct span bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(io_write_all(fd, bytes), OK);
    close(fd);
}

static uint64_t hash_of(const char *path)
{
    struct buf b;
    uint64_t hash;

    buf_init(&b, (size_t)64 * MIB);
    assert_int_equal(io_read_file(path, &b, NULL), OK);
    hash = map_hash(buf_span(&b), 1);
    buf_clear(&b);
    return hash;
}

/*
 * Refused with this error and a note that has these words; nothing else in the
 * directory afterwards.
 */
static void assert_refused(struct storekit *k, enum err want, const char *words)
{
    struct err_note note = { "" };
    enum err e = storekit_try_open(k, &note);

    assert_string_equal(err_name(e), err_name(want));
    if (!strstr(note.text, words))
        fail_msg("'%s' lacks '%s'", note.text, words);
    assert_null(k->store);
}

static void beside(const struct storekit *k, const char *suffix, char out[static 200])
{
    snprintf(out, 200, "%s%s", k->path, suffix);
}

/* --- what is created -------------------------------------------------------------- */

static void a_new_file_is_for_its_owner_alone(void **state)
{
    struct storekit *k = *state;
    mode_t old = umask(0);
    struct stat st;

    storekit_open(k, REVISIT_ALL);
    storekit_seed(k, "http://a.example/");
    umask(old);
    assert_int_equal(stat(k->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    for (int i = 0; i < 2; i++) {
        char name[200];

        beside(k, guard_suffix(i), name);
        assert_int_equal(stat(name, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

static void the_file_says_whose_it_is(void **state)
{
    struct storekit *k = *state;

    make_database(k);
    assert_int_equal(storekit_int(k, "PRAGMA application_id"), 0x4352574c);
    assert_int_equal(storekit_int(k, "PRAGMA user_version"), DB_SCHEMA_VERSION);
}

static void each_file_has_a_secret_of_its_own(void **state)
{
    struct storekit *k = *state;
    int64_t first;

    make_database(k);
    first = storekit_int(k, "SELECT value FROM meta WHERE name = 'hash_secret'");
    unlink(k->path);
    make_database(k);
    assert_true(first !=
                storekit_int(k, "SELECT value FROM meta WHERE name = 'hash_secret'"));
}

static void a_crash_while_creating_leaves_no_obstacle(void **state)
{
    struct storekit *k = *state;
    char name[200];

    beside(k, "-new", name);
    put_file(name, SPAN("half a database"));
    beside(k, "-new-journal", name);
    put_file(name, SPAN("half a journal"));
    make_database(k);
    assert_int_equal(access(name, F_OK), -1);
}

static void fresh_keeps_the_old_file_aside(void **state)
{
    struct storekit *k = *state;
    char aside[200];
    uint64_t before;

    make_database(k);
    before = hash_of(k->path);
    k->options.is_fresh = true;
    storekit_open(k, REVISIT_ALL);
    assert_int_equal(k->run.id, 1);
    assert_false(k->run.has_known_urls);
    beside(k, ".1", aside);
    assert_true(hash_of(aside) == before);
    storekit_close(k);
    storekit_open(k, REVISIT_ALL);
    beside(k, ".2", aside);
    assert_int_equal(access(aside, F_OK), 0);
}

static void durable_waits_for_the_disk(void **state)
{
    struct storekit *k = *state;

    k->options.is_durable = true;
    storekit_open(k, REVISIT_ALL);
    assert_true(storekit_seed(k, "http://a.example/") > 0);
}

/* --- what is refused -------------------------------------------------------------- */

static void a_symbolic_link_is_refused(void **state)
{
    struct storekit *k = *state;
    char real[200];

    make_database(k);
    beside(k, ".real", real);
    assert_int_equal(rename(k->path, real), 0);
    assert_int_equal(symlink(real, k->path), 0);
    assert_refused(k, ERR_REFUSED, "symbolic link");
}

static void a_dangling_link_is_not_followed(void **state)
{
    struct storekit *k = *state;
    char target[200];

    beside(k, ".target", target);
    assert_int_equal(symlink(target, k->path), 0);
    assert_refused(k, ERR_REFUSED, "symbolic link");
    assert_int_equal(access(target, F_OK), -1);
}

/* Only a link at the name's end would give the file two names. */
static void a_linked_directory_is_followed(void **state)
{
    struct storekit *k = *state;
    char alias[200];
    struct err_note note;
    struct reader *r;

    snprintf(alias, sizeof alias, "%s/alias", k->dir);
    assert_int_equal(symlink(".", alias), 0);
    snprintf(k->path, sizeof k->path, "%s/alias/crawl.db", k->dir);
    storekit_open(k, REVISIT_ALL);
    assert_true(storekit_seed(k, "http://a.example/") > 0);
    storekit_close(k);

    assert_int_equal(reader_open(k->path, &r, &note), OK);

    reader_close(r);
    assert_int_equal(unlink(alias), 0);
}

static void a_hard_link_is_refused(void **state)
{
    struct storekit *k = *state;
    char other[200];

    make_database(k);
    beside(k, ".other", other);
    assert_int_equal(link(k->path, other), 0);
    assert_refused(k, ERR_REFUSED, "hard links");
}

static void a_directory_is_refused(void **state)
{
    struct storekit *k = *state;

    assert_int_equal(mkdir(k->path, 0700), 0);
    assert_refused(k, ERR_REFUSED, "directory");
}

static void a_fifo_is_refused_without_waiting(void **state)
{
    struct storekit *k = *state;

    assert_int_equal(mkfifo(k->path, 0600), 0);
    assert_refused(k, ERR_REFUSED, "not a regular file");
}

static void a_missing_directory_is_named(void **state)
{
    struct storekit *k = *state;

    k->options.path = "/nonexistent/crawl.db";
    assert_refused(k, ERR_IO, "/nonexistent");
}

static void a_directory_others_may_write_to_is_refused(void **state)
{
    struct storekit *k = *state;

    chmod(k->dir, 0770);
    assert_refused(k, ERR_REFUSED, "chmod go-w");
    chmod(k->dir, 01777);
    storekit_open(k, REVISIT_ALL);
    storekit_close(k);
    chmod(k->dir, 0700);
}

static void planted_neighbours_are_not_followed(void **state)
{
    struct storekit *k = *state;
    char victim[200], name[200];

    beside(k, ".victim", victim);
    for (int i = 0; guard_suffix(i); i++) {
        make_database(k);
        put_file(victim, SPAN("precious"));
        beside(k, guard_suffix(i), name);
        assert_int_equal(symlink(victim, name), 0);
        assert_refused(k, ERR_REFUSED, "symbolic link");
        assert_true(hash_of(victim) == map_hash(SPAN("precious"), 1));
        unlink(name);
        unlink(k->path);
    }
}

#define SOMEBODY 65534

/* What somebody puts into /tmp for us to find there. Only root can give files away. */
static void a_database_of_another_user_is_refused_where_all_may_write(void **state)
{
    struct storekit *k = *state;

    if (geteuid())
        skip();
    make_database(k);
    assert_int_equal(chown(k->path, SOMEBODY, SOMEBODY), 0);
    storekit_open(k, REVISIT_ALL); /* in its owner's folder, say */
    storekit_close(k);
    chmod(k->dir, 01777);
    assert_refused(k, ERR_REFUSED, "belongs to another user");
    chmod(k->dir, 0700);
}

/* A log becomes part of the database; of an empty one somebody else could read what comes. */
static void neighbours_of_another_user_are_refused(void **state)
{
    struct storekit *k = *state;
    struct err_note note;
    struct reader *r;
    char name[200];

    if (geteuid())
        skip();
    for (int i = 0; guard_suffix(i); i++) {
        make_database(k);
        beside(k, guard_suffix(i), name);
        put_file(name, i == 0 ? SPAN_NONE : SPAN("planted"));
        assert_int_equal(chown(name, SOMEBODY, SOMEBODY), 0);
        assert_refused(k, ERR_REFUSED, "belongs to another user");
        assert_int_equal(reader_open(k->path, &r, &note), ERR_REFUSED);
        unlink(k->path);
        assert_refused(k, ERR_REFUSED, "belongs to another user");
        unlink(name);
    }
}

static void a_planted_lock_file_is_not_followed(void **state)
{
    struct storekit *k = *state;
    char victim[200], name[200];

    beside(k, ".victim", victim);
    put_file(victim, SPAN("precious"));
    beside(k, "-lock", name);
    assert_int_equal(symlink(victim, name), 0);
    assert_refused(k, ERR_REFUSED, "-lock is a symbolic link; remove it");
    assert_true(hash_of(victim) == map_hash(SPAN("precious"), 1));
}

static void a_log_without_its_database_is_refused(void **state)
{
    struct storekit *k = *state;
    char name[200];

    beside(k, "-wal", name);
    put_file(name, SPAN("frames of some other database"));
    assert_refused(k, ERR_REFUSED, "left over");
}

static void what_a_reader_leaves_beside_a_removed_file_is_no_obstacle(void **state)
{
    struct storekit *k = *state;
    int64_t rows;

    make_database(k);
    rows = storekit_int(k, "SELECT count(*) FROM urls");
    unlink(k->path);
    make_database(k);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM urls"), rows);
}

static void another_programs_database_is_refused_unchanged(void **state)
{
    struct storekit *k = *state;
    sqlite3 *handle;
    uint64_t before;

    assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
    sqlite3_exec(handle, "CREATE TABLE t (x); INSERT INTO t VALUES (1)", NULL, NULL,
                 NULL);
    sqlite3_close(handle);
    before = hash_of(k->path);
    assert_refused(k, ERR_REFUSED, "another program");
    assert_true(hash_of(k->path) == before);
}

static void a_newer_schema_is_refused_by_its_number(void **state)
{
    struct storekit *k = *state;
    sqlite3 *handle;
    uint64_t before;

    make_database(k);
    assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
    sqlite3_exec(handle, "PRAGMA user_version = 77", NULL, NULL, NULL);
    sqlite3_close(handle);
    before = hash_of(k->path);
    assert_refused(k, ERR_VERSION, "77");
    assert_true(hash_of(k->path) == before);
}

/* As a newer program leaves it that was killed after it had changed the schema. */
static void a_newer_schema_that_stands_in_the_log_is_refused(void **state)
{
    struct storekit *k = *state;
    sqlite3 *handle;
    uint64_t before;

    make_database(k);
    assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_exec(handle, "PRAGMA user_version = 77", NULL, NULL, NULL);
    sqlite3_close(handle);
    before = hash_of(k->path);
    assert_refused(k, ERR_VERSION, "newer crawl");
    assert_true(hash_of(k->path) == before);
    assert_int_equal(storekit_int(k, "PRAGMA user_version"), 77);
}

static const struct row {
    const char *label;
    struct span bytes;
    const char *words;
} rows[] = {
    { "an empty file is refused", { "", 0 }, "empty" },
    { "a text file is refused",
      { "just some notes of mine\n", 24 },
      "not an SQLite database" },
    { "a file cut in its header is refused",
      { "SQLite format 3\0\x10\0\1\1", 20 },
      "not an SQLite database" },
};

static void wrong_bytes(void **state)
{
    const struct row *row = *state;
    uint64_t before;

    storekit_init(&kit);
    put_file(kit.path, row->bytes);
    before = hash_of(kit.path);
    assert_refused(&kit, ERR_CORRUPT, row->words);
    assert_true(hash_of(kit.path) == before);
    storekit_clear(&kit);
}

static void a_database_cut_short_is_refused(void **state)
{
    struct storekit *k = *state;
    struct stat st;

    make_database(k);
    assert_int_equal(stat(k->path, &st), 0);
    assert_int_equal(truncate(k->path, st.st_size / 2), 0);
    assert_refused(k, ERR_CORRUPT, "cut short");
}

/*
 * P20: each flipped byte is either harmless or refused, and what is refused stays as it was.
 */
static void p20_a_flipped_byte_never_does_harm(void **state)
{
    struct storekit *k = *state;
    struct buf whole;
    size_t n_refused = 0;

    make_database(k);
    buf_init(&whole, (size_t)64 * MIB);
    assert_int_equal(io_read_file(k->path, &whole, NULL), OK);
    assert_true(whole.len / 512 >= 200);
    for (size_t at = 0; at < whole.len; at += at < 100 ? 4 : 512) {
        uint64_t before;

        whole.ptr[at] = (char)(whole.ptr[at] ^ 0x5a);
        put_file(k->path, buf_span(&whole));
        before = hash_of(k->path);
        if (storekit_try_open(k, NULL)) {
            n_refused++;
            assert_true(hash_of(k->path) == before);
        }
        storekit_close(k);
        whole.ptr[at] = (char)(whole.ptr[at] ^ 0x5a);
    }
    assert_true(n_refused > 10);
    buf_clear(&whole);
}

/* --- one at a time ---------------------------------------------------------------- */

static void a_second_crawl_is_told_who_holds_the_file(void **state)
{
    struct storekit *k = *state;
    struct store *second = NULL;
    struct err_note note;
    char pid[32];

    storekit_open(k, REVISIT_ALL);
    assert_int_equal(store_open(&k->options, &second, &note), ERR_LOCKED);
    snprintf(pid, sizeof pid, "pid %d, started 20", (int)getpid());
    assert_non_null(strstr(note.text, pid));
    assert_non_null(strstr(note.text, "--wait"));
    assert_null(second);
    k->options.lock_wait_ms = 1;
    assert_int_equal(store_open(&k->options, &second, &note), ERR_LOCKED);
    assert_non_null(strstr(note.text, "has not let go"));
    assert_null(strstr(note.text, "--wait")); /* it did wait */
    assert_null(second);
}

/* Whoever made the file first may have written anything into it. */
static void what_a_lock_file_says_cannot_fool_a_terminal(void **state)
{
    static const char wild[] = "                    \x1b[31mX\x1b]0;own\a";
    struct storekit *k = *state;
    struct store *second = NULL;
    struct err_note note;
    char path[4096];
    FILE *f;

    storekit_open(k, REVISIT_ALL);
    snprintf(path, sizeof path, "%s-lock", k->options.path);
    f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(wild, f) >= 0 && fclose(f) == 0);
    assert_int_equal(store_open(&k->options, &second, &note), ERR_LOCKED);
    assert_non_null(strstr(note.text, "(?[31mX?]0;own?)"));
}

static void a_lock_dies_with_its_process(void **state)
{
    struct storekit *k = *state;

    for (int i = 0; i < 10; i++) {
        pid_t child = fork();

        if (child == 0) {
            storekit_open(k, REVISIT_ALL);
            kill(getpid(), SIGKILL);
        }
        waitpid(child, NULL, 0);
        storekit_open(k, REVISIT_ALL);
        storekit_close(k);
    }
}

static void a_removed_lock_file_lets_no_second_crawl_in(void **state)
{
    struct storekit *k = *state;
    struct store *second = NULL;
    struct err_note note;
    char path[4096], byte;
    int ready[2], over[2];
    pid_t child;

    storekit_open(k, REVISIT_ALL);
    storekit_close(k);
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(over), 0);
    child = fork();
    if (child == 0) {
        close(over[1]); /* it ends with this process at the latest */
        storekit_open(k, REVISIT_ALL);
        if (write(ready[1], "x", 1) != 1 || read(over[0], &byte, 1) != 1)
            _exit(1);
        storekit_close(k);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    snprintf(path, sizeof path, "%s-lock", k->options.path);
    assert_int_equal(unlink(path), 0);
    for (int is_fresh = 0; is_fresh <= 1; is_fresh++) {
        k->options.is_fresh = is_fresh;
        assert_int_equal(store_open(&k->options, &second, &note), ERR_LOCKED);
        assert_non_null(strstr(note.text, "whose lock file"));
        assert_null(second);
    }
    k->options.is_fresh = false;
    assert_int_equal(write(over[1], "x", 1), 1);
    waitpid(child, NULL, 0);
    storekit_open(k, REVISIT_ALL);
    storekit_close(k);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(over[i]);
    }
}

static void waiting_gets_the_lock_when_it_is_free(void **state)
{
    struct storekit *k = *state;
    int fds[2];
    char byte;
    pid_t child;

    assert_int_equal(pipe(fds), 0);
    child = fork();
    if (child == 0) {
        storekit_open(k, REVISIT_ALL);
        if (write(fds[1], "x", 1) != 1)
            _exit(1);
        usleep(150000);
        _exit(0);
    }
    assert_int_equal(read(fds[0], &byte, 1), 1);
    close(fds[0]);
    close(fds[1]);
    k->options.lock_wait_ms = 30000;
    storekit_open(k, REVISIT_ALL);
    waitpid(child, NULL, 0);
}

static void refused_files_leave_no_lock_behind(void **state)
{
    struct storekit *k = *state;
    char name[200];

    put_file(k->path, SPAN("text"));
    assert_refused(k, ERR_CORRUPT, "");
    beside(k, "-lock", name);
    assert_int_equal(access(name, F_OK), -1);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, set_up, storekit_tear_down)

int main(void)
{
    struct CMUnitTest tests[40] = {
        WITH_DIR(a_new_file_is_for_its_owner_alone),
        WITH_DIR(the_file_says_whose_it_is),
        WITH_DIR(each_file_has_a_secret_of_its_own),
        WITH_DIR(a_crash_while_creating_leaves_no_obstacle),
        WITH_DIR(fresh_keeps_the_old_file_aside),
        WITH_DIR(durable_waits_for_the_disk),
        WITH_DIR(a_symbolic_link_is_refused),
        WITH_DIR(a_dangling_link_is_not_followed),
        WITH_DIR(a_linked_directory_is_followed),
        WITH_DIR(a_hard_link_is_refused),
        WITH_DIR(a_database_of_another_user_is_refused_where_all_may_write),
        WITH_DIR(neighbours_of_another_user_are_refused),
        WITH_DIR(a_directory_is_refused),
        WITH_DIR(a_fifo_is_refused_without_waiting),
        WITH_DIR(a_missing_directory_is_named),
        WITH_DIR(a_directory_others_may_write_to_is_refused),
        WITH_DIR(planted_neighbours_are_not_followed),
        WITH_DIR(a_planted_lock_file_is_not_followed),
        WITH_DIR(a_log_without_its_database_is_refused),
        WITH_DIR(what_a_reader_leaves_beside_a_removed_file_is_no_obstacle),
        WITH_DIR(another_programs_database_is_refused_unchanged),
        WITH_DIR(a_newer_schema_is_refused_by_its_number),
        WITH_DIR(a_newer_schema_that_stands_in_the_log_is_refused),
        WITH_DIR(a_database_cut_short_is_refused),
        WITH_DIR(p20_a_flipped_byte_never_does_harm),
        WITH_DIR(a_second_crawl_is_told_who_holds_the_file),
        WITH_DIR(what_a_lock_file_says_cannot_fool_a_terminal),
        WITH_DIR(a_lock_dies_with_its_process),
        WITH_DIR(a_removed_lock_file_lets_no_second_crawl_in),
        WITH_DIR(waiting_gets_the_lock_when_it_is_free),
        WITH_DIR(refused_files_leave_no_lock_behind),
    };
    size_t n = 0;

    while (tests[n].name)
        n++;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[n++] = (struct CMUnitTest){ rows[i].label, wrong_bytes, NULL, NULL,
                                          (void *)(uintptr_t)&rows[i] };
    return _cmocka_run_group_tests("store/open", tests, n, NULL, NULL);
}
