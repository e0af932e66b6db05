/* SPDX-License-Identifier: MIT */
/*
 * The disk fails at every point in turn: SQLite's own system calls are replaced
 * by ones that fail at the Nth call, once or from then on. Whatever happens,
 * the failure is told, what was handed back as stored is stored, and the file
 * opens sound and goes on.
 */
#include <errno.h>
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
#include "store/reader.h"
#include "tests/kit/storekit.h"

#define N_PAGES 6

/* --- failing calls ---------------------------------------------------------------- */

static struct {
    int left;      /* calls until it fails; below 0: never */
    bool for_good; /* and ever after */
    int cause;
} fault = { .left = -1 };

static bool fails_now(void)
{
    if (fault.left < 0)
        return false;
    if (fault.left > 0) {
        fault.left--;
        return false;
    }
    if (!fault.for_good)
        fault.left = -1;
    errno = fault.cause;
    return true;
}

static ssize_t failing_pwrite(int fd, const void *data, size_t n, off_t at)
{
    return fails_now() ? -1 : pwrite(fd, data, n, at);
}

static int failing_fsync(int fd)
{
    return fails_now() ? -1 : fsync(fd);
}

static int failing_ftruncate(int fd, off_t size)
{
    return fails_now() ? -1 : ftruncate(fd, size);
}

static void replace_calls(bool on)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    vfs->xSetSystemCall(vfs, "pwrite", on ? (sqlite3_syscall_ptr)failing_pwrite : NULL);
    vfs->xSetSystemCall(vfs, "pwrite64",
                        on ? (sqlite3_syscall_ptr)failing_pwrite : NULL);
    vfs->xSetSystemCall(vfs, "fsync", on ? (sqlite3_syscall_ptr)failing_fsync : NULL);
    vfs->xSetSystemCall(vfs, "ftruncate",
                        on ? (sqlite3_syscall_ptr)failing_ftruncate : NULL);
}

/* --- the crawl that meets them ---------------------------------------------------- */

/* A page that changed so often that most of the full text is out of use. */
static void fill(struct storekit *k)
{
    k->options.keep_history = 1;
    storekit_open(k, REVISIT_ALL);
    for (int i = 0; i < 20; i++) {
        struct store_op *op = storekit_visit(storekit_seed(k, "http://old.example/"), 1, 0);
        char text[32];

        snprintf(text, sizeof text, "content %d", i);
        storekit_body(op, storekit_page(op, "Title", text, text), span_str(text));
        storekit_do(k, op);
        assert_int_equal(op->result, OK);
        store_op_free(op);
    }
    storekit_stop(k, true);
}

/* Full text is indexed anew. */
static enum err renew(struct storekit *k)
{
    struct store_op *op = store_op_new(STORE_TEXTS, MIB), *next;
    enum err e;

    storekit_do(k, op);
    e = op->result;
    while (!e && !op->u.texts.is_over) {
        size_t n = op->u.texts.n_next;

        next = store_op_new(STORE_TEXTS, MIB);
        next->u.texts.done = op->u.texts.next;
        next->u.texts.n_done = n;
        next->u.texts.after = n ? op->u.texts.next[n - 1].id : op->u.texts.after;
        storekit_do(k, next);
        e = next->result;
        store_op_free(op);
        op = next;
    }
    assert_true(e || op->u.texts.is_renewed);
    store_op_free(op);
    return e;
}

/* Stores pages until something fails. How many were handed back as stored. */
static int64_t crawl(struct storekit *k)
{
    struct err_note note = { "" };
    int64_t n = 0;

    if (storekit_try_open(k, &note) || storekit_try_begin(k, REVISIT_ALL, &note)) {
        assert_true(note.text[0]);
        storekit_close(k);
        return 0;
    }
    for (int64_t id = 1; id <= N_PAGES; id++) {
        struct store_op *op = store_op_new(STORE_OFFERS, MIB);
        char url[64];
        enum err e;

        snprintf(url, sizeof url, "http://a.example/%lld", (long long)id);
        op->u.offers.offers = arena_alloc(&op->mem, sizeof *op->u.offers.offers);
        op->u.offers.offers[0] = storekit_offer(url, HOP_SEED, 0);
        op->u.offers.n_offers = 1;
        storekit_do(k, op);
        e = op->result;
        store_op_free(op);
        if (!e) {
            op = storekit_visit(id + 1, 2, 0);
            storekit_body(op, storekit_page(op, "Title", "words of a page", url), span_str(url));
            storekit_links(op, (const char *[]){ "http://a.example/l1",
                                                 "http://a.example/l2", NULL });
            storekit_do(k, op);
            e = op->result;
            store_op_free(op);
        }
        if (!e && id == N_PAGES)
            e = renew(k);
        if (e) {
            assert_int_equal(store_failure(k->store, &note), e);
            assert_true(note.text[0]);
            break;
        }
        n = id;
    }
    storekit_close(k);
    return n;
}

static enum err on_exception(void *arg, const struct span *columns,
                             const struct reader_value *values, size_t n)
{
    size_t *wrong = arg;

    (void)columns;
    if (values && !(n == 1 && span_eq(values[0].text, SPAN("ok"))))
        ++*wrong;
    return OK;
}

static void assert_sound(struct storekit *k)
{
    struct err_note note = { "" };
    struct reader *r;

    if (reader_open(k->path, &r, &note))
        fail_msg("%s", note.text);
    for (const struct reader_report *p = reader_checks; p->name; p++) {
        size_t wrong = 0;

        if (reader_query(r, span_str(p->sql), NULL, 0, on_exception, &wrong, &note) ||
            wrong)
            fail_msg("%s: %zu exceptions %s", p->name, wrong, note.text);
    }
    reader_close(r);
}

static void survives(int cause, bool for_good)
{
    bool has_failed = true;
    int n_failures = 0;

    for (int at = 0; has_failed && at < 400; at += at < 200 ? 1 : 7) {
        struct storekit k;
        int64_t stored;

        storekit_init(&k);
        fill(&k);
        fault.cause = cause;
        fault.for_good = for_good;
        fault.left = at;
        replace_calls(true);
        stored = crawl(&k);
        has_failed = for_good ? fault.left == 0 : fault.left == -1;
        n_failures += has_failed;
        fault.left = -1;
        replace_calls(false);
        storekit_open(&k, REVISIT_NONE);
        assert_true(storekit_int(&k, "SELECT count(*) FROM fetches") >= stored);
        storekit_seed(&k, "http://b.example/");
        storekit_stop(&k, true);
        assert_sound(&k);
        storekit_clear(&k);
    }
    assert_true(n_failures > 20);
}

static void one_write_that_fails_for_lack_of_room(void **state)
{
    (void)state;
    survives(ENOSPC, false);
}

static void a_disk_that_stays_full(void **state)
{
    (void)state;
    survives(ENOSPC, true);
}

static void one_input_output_error(void **state)
{
    (void)state;
    survives(EIO, false);
}

static void a_disk_that_is_gone(void **state)
{
    (void)state;
    survives(EIO, true);
}

/* --- the power fails -------------------------------------------------------------- */

static void copy_file(const char *from, const char *to, size_t keep, bool zeroes)
{
    struct buf b;
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    buf_init(&b, (size_t)64 * MIB);
    assert_int_equal(io_read_file(from, &b, NULL), OK);
    keep = MIN(keep, b.len);
    if (zeroes)
        memset(b.ptr + keep, 0, b.len - keep);
    assert_int_equal(io_write_all(fd, span_make(b.ptr, zeroes ? b.len : keep)), OK);
    close(fd);
    buf_clear(&b);
}

static void leave_a_log(struct storekit *k)
{
    pid_t child = fork();

    if (child == 0) {
        storekit_open(k, REVISIT_ALL);
        for (int64_t id = 1; id <= 12; id++) {
            char url[64];

            snprintf(url, sizeof url, "http://a.example/%lld", (long long)id);
            storekit_fetch(k, storekit_seed(k, url), 0, url, NULL);
        }
        kill(getpid(), SIGKILL);
    }
    waitpid(child, NULL, 0);
}

#define N_CUTS 300

/*
 * P16: any part of the log may not have reached the disk: what is there is an earlier
 * commit, whole.
 */
static void p16_a_log_cut_anywhere_gives_an_earlier_commit(void **state)
{
    struct storekit k, cut;
    char from[160], to[160];
    struct stat st;
    int64_t most = 0;

    (void)state;
    srandom(16);
    storekit_init(&k);
    leave_a_log(&k);
    snprintf(from, sizeof from, "%s-wal", k.path);
    assert_int_equal(stat(from, &st), 0);
    for (int i = 0; i < N_CUTS; i++) {
        size_t keep = (size_t)random() % (size_t)st.st_size;
        int64_t n;

        storekit_init(&cut);
        snprintf(to, sizeof to, "%s-wal", cut.path);
        copy_file(k.path, cut.path, SIZE_MAX, false);
        copy_file(from, to, i + 1 == N_CUTS ? SIZE_MAX : keep, i % 2 == 1);
        storekit_open(&cut, REVISIT_NONE);
        storekit_stop(&cut, true);
        n = storekit_int(&cut, "SELECT count(*) FROM fetches");
        assert_int_equal(storekit_int(&cut, "SELECT coalesce(max(id), 0) FROM fetches"),
                         n);
        assert_int_equal(
            storekit_int(&cut, "SELECT count(*) FROM urls WHERE state = 'fetched'"), n);
        assert_sound(&cut);
        most = MAX(most, n);
        storekit_clear(&cut);
    }
    assert_int_equal(most, 12);
    storekit_clear(&k);
}

/* --- others at the file ----------------------------------------------------------- */

static void a_lock_of_another_program_is_waited_for(void **state)
{
    struct storekit k;
    int fds[2];
    char byte;
    pid_t child;

    (void)state;
    storekit_init(&k);
    assert_int_equal(pipe(fds), 0);
    storekit_open(&k, REVISIT_ALL);
    storekit_stop(&k, true);
    child = fork();
    if (child == 0) {
        sqlite3 *other;

        if (sqlite3_open(k.path, &other) ||
            sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) ||
            write(fds[1], "x", 1) != 1)
            _exit(1);
        usleep(300000);
        sqlite3_exec(other, "COMMIT", NULL, NULL, NULL);
        sqlite3_close(other);
        _exit(0);
    }
    assert_int_equal(read(fds[0], &byte, 1), 1);
    storekit_open(&k, REVISIT_ALL);
    assert_true(storekit_seed(&k, "http://a.example/") > 0);
    waitpid(child, NULL, 0);
    close(fds[0]);
    close(fds[1]);
    storekit_clear(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_write_that_fails_for_lack_of_room),
        cmocka_unit_test(a_disk_that_stays_full),
        cmocka_unit_test(one_input_output_error),
        cmocka_unit_test(a_disk_that_is_gone),
        cmocka_unit_test(p16_a_log_cut_anywhere_gives_an_earlier_commit),
        cmocka_unit_test(a_lock_of_another_program_is_waited_for),
    };

    return cmocka_run_group_tests_name("store/faults", tests, NULL, NULL);
}
