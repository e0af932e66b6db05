/* SPDX-License-Identifier: MIT */
/*
 * Which URLs a start has to decide about again (decided.h): none that was decided under its rules, and each other one
 * that it asks for, through runs of every kind, interrupted ones, and rules that change and come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "tests/kit/storekit.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static struct storekit kit;

static bool keep(struct storekit *k, const struct store_excluded *url, struct store_verdict *out)
{
    (void)k;
    *out = (struct store_verdict){ url->reason, url->rule };
    return true;
}

static bool end_at_once(struct storekit *k, const struct store_excluded *url, struct store_verdict *out)
{
    (void)k;
    (void)url;
    (void)out;
    return false;
}

static bool exclude(struct storekit *k, const struct store_excluded *url, struct store_verdict *out)
{
    (void)k;
    (void)url;
    *out = (struct store_verdict){ REASON_INCLUDE_EXCLUDE, SPAN("--exclude x") };
    return true;
}

static int set_up(void **state)
{
    storekit_init(&kit);
    kit.decide = keep;
    *state = &kit;
    return 0;
}

/* How many URLs a start after so many days has to decide. */
static int start(struct storekit *k, const char *rules, enum store_revisit revisit, int days)
{
    k->rules = rules;
    k->later_ms = days * DAY_MS;
    storekit_open(k, revisit);
    return k->n_decided;
}

/* The queued URL of this name is asked for, and has changed: it is due again in half a day. */
static void visit(struct storekit *k, const char *url)
{
    struct store_op *op =
        storekit_visit(storekit_offer_one(k, storekit_offer(url, HOP_LINK, 1)).id, 1, 1);
    char body[128];

    snprintf(body, sizeof body, "%s on %lld", url, (long long)k->later_ms);
    op->u.visit.fetched_at_ms = STOREKIT_NOW + k->later_ms;
    storekit_page(op, "t", "x", body);
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

static const char A[] = "http://a.example/a", B[] = "http://a.example/b";

/* A file with one page of the rules "1", and none queued. */
static void fill(struct storekit *k)
{
    assert_int_equal(start(k, "1", REVISIT_ALL, 0), 0);
    visit(k, A);
    storekit_finish(k);
}

static void under_the_same_rules_nothing_is_decided_again(void **state)
{
    static const enum store_revisit kinds[] = { REVISIT_NONE, REVISIT_DUE, REVISIT_ALL, REVISIT_DUE, REVISIT_ALL };
    struct storekit *k = *state;

    fill(k);
    for (int i = 0; i < (int)ARRAY_LEN(kinds); i++) {
        assert_int_equal(start(k, "1", kinds[i], 40 * (i + 1)), 0);
        assert_int_equal(storekit_int(k, "SELECT n FROM state_count WHERE state = 0"), kinds[i] != REVISIT_NONE);
        if (kinds[i] != REVISIT_NONE)
            visit(k, A);
        storekit_finish(k);
    }
}

static void a_page_of_earlier_rules_is_decided_when_it_is_asked_for(void **state)
{
    struct storekit *k = *state;

    fill(k);
    assert_int_equal(start(k, "2", REVISIT_NONE, 40), 0); /* nothing is queued or excluded */
    visit(k, B);
    storekit_finish(k);

    assert_int_equal(start(k, "2", REVISIT_ALL, 80), 2);
    visit(k, A);
    visit(k, B);
    storekit_finish(k);
    assert_int_equal(start(k, "2", REVISIT_ALL, 120), 0);
}

static void pages_that_new_rules_saw_are_not_decided_again_when_due(void **state)
{
    struct storekit *k = *state;

    fill(k);
    assert_int_equal(start(k, "2", REVISIT_DUE, 40), 1);
    visit(k, A);
    visit(k, B);
    storekit_finish(k);

    assert_int_equal(start(k, "2", REVISIT_DUE, 80), 0);
    assert_int_equal(storekit_int(k, "SELECT n FROM state_count WHERE state = 0"), 2);
    storekit_finish(k);
}

static void rules_that_come_back_are_new(void **state)
{
    struct storekit *k = *state;

    fill(k);
    assert_int_equal(start(k, "2", REVISIT_NONE, 1), 0);
    visit(k, B);
    storekit_finish(k);

    assert_int_equal(start(k, "1", REVISIT_NONE, 2), 0);
    storekit_finish(k);
    assert_int_equal(start(k, "1", REVISIT_ALL, 3), 2);
    storekit_stop(k, true);
    assert_int_equal(start(k, "1", REVISIT_ALL, 4), 0);
    storekit_finish(k);
    assert_int_equal(start(k, "1", REVISIT_ALL, 5), 0);
}

/* Its pages before and after the change have the same run. */
static void a_run_that_goes_on_under_other_rules_is_not_one_of_them(void **state)
{
    struct storekit *k = *state;

    assert_int_equal(start(k, "1", REVISIT_ALL, 0), 0);
    visit(k, A);
    storekit_stop(k, true);
    assert_int_equal(start(k, "2", REVISIT_ALL, 0), 0);
    assert_int_equal(k->run.id, 1);
    visit(k, B);
    storekit_finish(k);

    assert_int_equal(start(k, "2", REVISIT_DUE, 40), 2);
    visit(k, A);
    storekit_finish(k);
    assert_int_equal(start(k, "2", REVISIT_DUE, 80), 0); /* one is of the run before, the other was queued then */
}

static void in_child(struct storekit *k, void (*fn)(struct storekit *k))
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        fn(k);
        _exit(0);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

static void begin_and_die(struct storekit *k)
{
    k->decide = NULL;
    start(k, "2", REVISIT_ALL, 40);
}

static void what_a_crash_kept_from_being_decided_is_at_the_next_start(void **state)
{
    struct storekit *k = *state;

    fill(k);
    assert_int_equal(start(k, "2", REVISIT_NONE, 1), 0);
    storekit_finish(k);
    in_child(k, begin_and_die); /* its rules are those of the run before: only the queue is undecided */

    assert_int_equal(start(k, "2", REVISIT_ALL, 40), 1);
    assert_true(k->run.was_crash);
    storekit_stop(k, true);
    assert_int_equal(start(k, "2", REVISIT_ALL, 40), 0);
}

static void what_a_signal_kept_from_being_decided_is_at_the_next_start(void **state)
{
    struct storekit *k = *state;

    fill(k);
    k->decide = end_at_once;
    assert_int_equal(start(k, "2", REVISIT_ALL, 40), 1);
    storekit_stop(k, true);
    assert_int_equal(start(k, "2", REVISIT_ALL, 40), 1);
    storekit_stop(k, true);
    k->decide = keep;
    assert_int_equal(start(k, "1", REVISIT_ALL, 40), 1);
    storekit_stop(k, true);
    assert_int_equal(start(k, "1", REVISIT_ALL, 40), 0);
}

static void offer_many(struct storekit *k, size_t n, size_t n_queued)
{
    struct store_op *op = store_op_new(STORE_OFFERS, 64 * MIB);

    op->u.offers.n_offers = n;
    op->u.offers.offers = arena_try_array(&op->mem, n, sizeof *op->u.offers.offers);
    for (size_t i = 0; i < n; i++) {
        op->u.offers.offers[i] =
            storekit_offer(arena_format(&op->mem, "http://h%zu.example/%zu", i % 3, i).ptr, HOP_LINK, (int)(i % 4));
        op->u.offers.offers[i].reason = i < n_queued ? REASON_NONE : REASON_DEPTH;
    }
    storekit_do(k, op);
    store_op_free(op);
}

static void change(struct storekit *k, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(k->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* By the index of the queue, where that is small, or by the table: all of it, each once, though each leaves it. */
static void of_a_queue_each_is_decided(void **state)
{
    static const int queued[] = { 300, 3000 };
    struct storekit *k = *state;

    for (size_t i = 0; i < ARRAY_LEN(queued); i++) {
        storekit_clear(k);
        set_up(state);
        start(k, "1", REVISIT_ALL, 0);
        offer_many(k, 4000, (size_t)queued[i]);
        storekit_stop(k, true);
        change(k, "DELETE FROM meta WHERE name = 'known_decided_for'"); /* as a program that knew of none leaves it */
        k->decide = exclude;
        assert_int_equal(start(k, "1", REVISIT_ALL, 0), queued[i]);
        EXPECT_TEXT(k, "SELECT group_concat(state || ':' || n, ' ') FROM state_count WHERE n > 0", "4:4000");
        assert_int_equal(storekit_int(k, "SELECT count(*) FROM url WHERE state = 4 AND reason = 2"), queued[i]);
        EXPECT_TEXT(k, "PRAGMA integrity_check", "ok");
        storekit_finish(k);
    }
}

/* Those are not looked at one by one. */
static void of_very_many_asked_for_again_none_is_forgotten(void **state)
{
    static const enum store_revisit kinds[] = { REVISIT_ALL, REVISIT_DUE };
    struct storekit *k = *state;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        storekit_clear(k);
        set_up(state);
        fill(k);
        change(k, "WITH RECURSIVE n(i) AS (VALUES (100) UNION ALL SELECT i + 1 FROM n WHERE i < 60099)"
                  " INSERT INTO url (id, key_hash, host_id, state, depth, redirects, hop, priority, retries,"
                  " run_id, discovered_at, url) SELECT i, i, 1, 1, 1, 0, 1, 0, 0, 2, 0, 'http://a.example/' || i FROM n;"
                  "UPDATE state_count SET n = 60001 WHERE state = 1");
        assert_int_equal(start(k, "2", REVISIT_NONE, 1), 0);
        storekit_finish(k);
        assert_int_equal(start(k, "2", kinds[i], 40), 60001); /* A is of run 1 */
        storekit_finish(k);
        change(k, "UPDATE url SET state = 1, run_id = 2; UPDATE state_count SET n = 60001 * (state = 1);"
                  "UPDATE meta SET value = '2 2' WHERE name = 'known_decided_for'");
        assert_int_equal(start(k, "2", kinds[i], 40), 0);
        assert_int_equal(storekit_int(k, "SELECT n FROM state_count WHERE state = 0"), 60001);
        storekit_finish(k);
    }
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, storekit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(under_the_same_rules_nothing_is_decided_again),
        WITH_STORE(a_page_of_earlier_rules_is_decided_when_it_is_asked_for),
        WITH_STORE(pages_that_new_rules_saw_are_not_decided_again_when_due),
        WITH_STORE(rules_that_come_back_are_new),
        WITH_STORE(a_run_that_goes_on_under_other_rules_is_not_one_of_them),
        WITH_STORE(what_a_crash_kept_from_being_decided_is_at_the_next_start),
        WITH_STORE(what_a_signal_kept_from_being_decided_is_at_the_next_start),
        WITH_STORE(of_a_queue_each_is_decided),
        WITH_STORE(of_very_many_asked_for_again_none_is_forgotten),
    };

    return cmocka_run_group_tests_name("store/decided", tests, NULL, NULL);
}
