/* SPDX-License-Identifier: MIT */
/*
 * The writer: order, batches, and what is left after it was killed or ran out of room.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/reader.h"
#include "tests/kit/storekit.h"

static struct storekit kit;

static int set_up(void **state)
{
    storekit_init(&kit);
    *state = &kit;
    return 0;
}

/* --- verifying -------------------------------------------------------------------- */

static enum err on_exception(void *arg, const struct span *columns,
                             const struct reader_value *values, size_t n)
{
    size_t *wrong = arg;

    (void)columns;
    if (values && !(n == 1 && span_eq(values[0].text, SPAN("ok"))))
        ++*wrong;
    return OK;
}

/* Every check of `crawl verify` holds. */
static void assert_sound(struct storekit *k)
{
    struct reader *r;
    struct err_note note = { "" };

    if (reader_open(k->path, &r, &note))
        fail_msg("%s", note.text);
    for (const struct reader_report *p = reader_checks; p->name; p++) {
        size_t wrong = 0;

        if (reader_query(r, span_str(p->sql), NULL, 0, on_exception, &wrong, &note))
            fail_msg("%s: %s", p->name, note.text);
        if (wrong)
            fail_msg("%s: %zu exceptions", p->name, wrong);
    }
    reader_close(r);
}

/* --- order ------------------------------------------------------------------------ */

static void nothing(void *arg)
{
    (void)arg;
}

static void ops_come_back_in_the_order_of_submission(void **state)
{
    struct storekit *k = *state;
    struct store_run_params params = { .now_wall_ms = STOREKIT_NOW };
    struct store_op *ops[600];
    struct list_node done;
    size_t n = 0;

    assert_int_equal(storekit_try_open(k, NULL), OK);
    assert_int_equal(store_begin_run(k->store, &params, &k->run, NULL), OK);
    assert_int_equal(store_start(k->store, nothing, NULL, NULL), OK);
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        ops[i] = store_op_new(STORE_EVENT, MIB);
        ops[i]->u.event.level = ops[i]->u.event.component = ops[i]->u.event.event = "x";
        store_submit(k->store, ops[i]);
    }
    list_init(&done);
    while (n < ARRAY_LEN(ops)) {
        struct list_node *node;

        store_take_done(k->store, SIZE_MAX, &done);
        while ((node = list_take_first(&done)) != NULL) {
            assert_ptr_equal(CONTAINER_OF(node, struct store_op, node), ops[n]);
            assert_int_equal(ops[n]->result, OK);
            store_op_free(ops[n++]);
        }
    }
    assert_int_equal(store_pending(k->store), 0);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM events"), ARRAY_LEN(ops));
}

static void what_is_handed_back_can_be_read_by_others(void **state)
{
    struct storekit *k = *state;

    storekit_open(k, REVISIT_ALL);
    for (int i = 0; i < 20; i++) {
        char url[64];

        snprintf(url, sizeof url, "http://a.example/%d", i);
        storekit_seed(k, url);
        assert_int_equal(storekit_int(k, "SELECT count(*) FROM urls"), i + 1);
    }
}

static void totals_are_those_of_the_last_commit(void **state)
{
    struct storekit *k = *state;
    struct store_totals totals;
    struct stat st;

    storekit_open(k, REVISIT_ALL);
    storekit_fetch(k, storekit_seed(k, "http://a.example/"), 0, "body",
                   (const char *[]){ "http://a.example/x", NULL });
    store_get_totals(k->store, &totals);
    assert_int_equal(totals.by_state[STATE_QUEUED], 1);
    assert_int_equal(totals.by_state[STATE_FETCHED], 1);
    storekit_finish(k);
    assert_int_equal(stat(k->path, &st), 0);
    assert_int_equal(totals.db_bytes, st.st_size);
}

static void closing_does_what_was_submitted(void **state)
{
    struct storekit *k = *state;
    struct store_op *op = store_op_new(STORE_EVENT, MIB);

    storekit_open(k, REVISIT_ALL);
    op->u.event.level = op->u.event.component = op->u.event.event = "late";
    store_submit(k->store, op);
    storekit_close(k);
    store_op_free(op);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM events"), 1);
}

static void a_finished_database_is_one_file(void **state)
{
    struct storekit *k = *state;
    char name[160];

    storekit_open(k, REVISIT_ALL);
    storekit_seed(k, "http://a.example/");
    storekit_finish(k);
    snprintf(name, sizeof name, "%s-wal", k->path);
    assert_int_equal(access(name, F_OK), -1);
    snprintf(name, sizeof name, "%s-lock", k->path);
    assert_int_equal(access(name, F_OK), -1);
}

static void a_reader_never_blocks_the_writer(void **state)
{
    struct storekit *k = *state;
    sqlite3 *reader;

    storekit_open(k, REVISIT_ALL);
    storekit_seed(k, "http://a.example/1");
    assert_int_equal(sqlite3_open(k->path, &reader), SQLITE_OK);
    sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM url", NULL, NULL, NULL);
    storekit_seed(k, "http://a.example/2");
    storekit_finish(k);
    sqlite3_close(reader);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM urls"), 2);
}

/* --- killed ----------------------------------------------------------------------- */

/* Fetches page after page and tells each committed one over fd, until it is killed. */
static void crawl_until_killed(struct storekit *k, int fd)
{
    int64_t next = 1, n_urls;

    storekit_open(k, REVISIT_ALL);
    storekit_seed(k, "http://a.example/0");
    for (n_urls = 1;; next++) {
        struct store_op *op = storekit_visit(next, 1, (int)next);
        char urls[3][64];

        for (int i = 0; i < 3; i++)
            snprintf(urls[i], sizeof urls[i], "http://a.example/%lld",
                     (long long)(n_urls + i));
        storekit_page(op, "Title", "words of text that make an index", urls[0]);
        storekit_links(op, (const char *[]){ urls[0], urls[1], urls[2], NULL });
        storekit_do(k, op);
        n_urls += 3;
        if (op->result || write(fd, &next, sizeof next) != sizeof next)
            _exit(1);
        store_op_free(op);
    }
}

/* The last page that the child was told is stored. */
static int64_t kill_after(pid_t child, int fd, int64_t us)
{
    int64_t last = 0, got;

    usleep((useconds_t)us);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    while (read(fd, &got, sizeof got) == sizeof got)
        last = got;
    return last;
}

static void what_was_handed_back_survives_kill_9(void **state)
{
    for (int round = 0; round < 12; round++) {
        struct storekit k;
        int fds[2];
        int64_t last;
        char sql[128];
        pid_t child;

        (void)state;
        storekit_init(&k);
        assert_int_equal(pipe(fds), 0);
        child = fork();
        if (child == 0)
            crawl_until_killed(&k, fds[1]);
        close(fds[1]);
        last = kill_after(child, fds[0], 3000 + round * 17000);
        close(fds[0]);
        storekit_open(&k, REVISIT_ALL);
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM urls WHERE state = 'fetched' AND id <= %lld",
                 (long long)last);
        assert_int_equal(storekit_int(&k, sql), last);
        if (last)
            assert_true(k.run.was_crash);
        storekit_stop(&k, true);
        assert_sound(&k);
        storekit_clear(&k);
    }
}

/* --- no room ---------------------------------------------------------------------- */

static void fill_until_failure(struct storekit *k, enum err want)
{
    struct err_note note = { "" };
    struct store_op *op;
    enum err result = OK;

    for (int64_t i = 1; !result && i < 5000; i++) {
        char *text;

        op = storekit_visit(1, 1, 0);
        text = arena_alloc(&op->mem, 20000);
        for (size_t j = 0; j + 1 < 20000; j++)
            text[j] = (char)('a' + (j * (size_t)i) % 23);
        storekit_page(op, "Title", text, text)->body = span_make(text, 20000);
        storekit_do(k, op);
        result = op->result;
        store_op_free(op);
    }
    assert_int_equal(result, want);
    assert_int_equal(store_failure(k->store, &note), want);
    assert_non_null(strstr(note.text, k->path));
    /* Everything after it fails alike, and nothing hangs. */
    op = storekit_visit(1, 1, 0);
    storekit_do(k, op);
    assert_int_equal(op->result, want);
    store_op_free(op);
}

static void a_full_disk_stops_the_writer_and_leaves_a_sound_file(void **state)
{
    struct storekit *k = *state;
    struct rlimit old, tight = { 3 * 1024 * 1024, 0 };
    int64_t stored;

    signal(SIGXFSZ, SIG_IGN);
    storekit_open(k, REVISIT_ALL);
    storekit_seed(k, "http://a.example/");
    getrlimit(RLIMIT_FSIZE, &old);
    tight.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_FSIZE, &tight);
    fill_until_failure(k, ERR_FULL);
    storekit_close(k);
    setrlimit(RLIMIT_FSIZE, &old);

    storekit_open(k, REVISIT_ALL);
    assert_true(k->run.was_crash);
    stored = storekit_int(k, "SELECT count(*) FROM fetches");
    assert_true(stored > 0);
    storekit_fetch(k, 1, 0, "after", NULL);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM fetches"), stored + 1);
    storekit_stop(k, true);
    assert_int_equal(
        storekit_int(
            k,
            "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"),
        1);
}

static void too_little_free_space_refuses_pages_but_ends_in_order(void **state)
{
    struct storekit *k = *state;
    struct store_op *op = store_op_new(STORE_SPACE, MIB);
    struct err_note note = { "" };

    k->options.min_free_bytes = INT64_MAX;
    storekit_open(k, REVISIT_ALL);
    storekit_do(k, op);
    assert_int_equal(op->result, ERR_FULL);
    store_op_free(op);
    assert_int_equal(store_failure(k->store, &note), ERR_FULL);
    assert_non_null(strstr(note.text, "--min-free"));
    op = storekit_visit(1, 1, 0);
    storekit_do(k, op);
    assert_int_equal(op->result, ERR_FULL);
    store_op_free(op);
    storekit_stop(k, true);
    assert_int_equal(
        storekit_int(k, "SELECT count(*) FROM runs WHERE state = 'stopped'"), 1);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM fetches"), 0);
}

static void enough_space_is_no_failure(void **state)
{
    struct storekit *k = *state;
    struct store_op *op = store_op_new(STORE_SPACE, MIB);

    k->options.min_free_bytes = 1;
    storekit_open(k, REVISIT_ALL);
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
    assert_int_equal(store_failure(k->store, NULL), OK);
}

static void a_file_changed_by_others_is_noticed(void **state)
{
    struct storekit *k = *state;
    struct store_op *op;
    struct err_note note = { "" };
    sqlite3 *other;

    storekit_open(k, REVISIT_ALL);
    storekit_seed(k, "http://a.example/");
    assert_int_equal(sqlite3_open(k->path, &other), SQLITE_OK);
    sqlite3_exec(other, "DROP TABLE fetch", NULL, NULL, NULL);
    sqlite3_close(other);
    op = storekit_visit(1, 1, 0);
    storekit_do(k, op);
    assert_int_not_equal(op->result, OK);
    store_op_free(op);
    assert_int_not_equal(store_failure(k->store, &note), OK);
    assert_non_null(strstr(note.text, "no such table"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ops_come_back_in_the_order_of_submission,
                                        set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(what_is_handed_back_can_be_read_by_others,
                                        set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(totals_are_those_of_the_last_commit, set_up,
                                        storekit_tear_down),
        cmocka_unit_test_setup_teardown(closing_does_what_was_submitted, set_up,
                                        storekit_tear_down),
        cmocka_unit_test_setup_teardown(a_finished_database_is_one_file, set_up,
                                        storekit_tear_down),
        cmocka_unit_test_setup_teardown(a_reader_never_blocks_the_writer, set_up,
                                        storekit_tear_down),
        cmocka_unit_test(what_was_handed_back_survives_kill_9),
        cmocka_unit_test_setup_teardown(
            a_full_disk_stops_the_writer_and_leaves_a_sound_file, set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(
            too_little_free_space_refuses_pages_but_ends_in_order, set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(enough_space_is_no_failure, set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(a_file_changed_by_others_is_noticed, set_up,
                                        storekit_tear_down),
    };

    return cmocka_run_group_tests_name("store/writer", tests, NULL, NULL);
}
