/* SPDX-License-Identifier: MIT */
/* Starts: a new run or the old one, what becomes queued, the budget, deciding again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "tests/kit/storekit.h"

static struct storekit kit;

static int set_up(void **state)
{
    storekit_init(&kit);
    *state = &kit;
    return 0;
}

static void leave_in_state(struct storekit *k, const char *url, enum url_state state,
                           enum url_reason reason)
{
    struct store_op *op = storekit_visit(
        storekit_offer_one(k, storekit_offer(url, HOP_LINK, 1)).id, 1, 1);

    op->u.visit.state = state;
    op->u.visit.reason = reason;
    op->u.visit.retries = 2;
    if (state == STATE_FAILED)
        op->u.visit.outcome = "timeout";
    if (state == STATE_FETCHED)
        storekit_page(op, "t", "x", url);
    op->u.visit.next_fetch_ms = reason == REASON_DEFERRED ? STOREKIT_NOW + 5000 : 0;
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

/* One URL of each kind, named by its last letter; q stays queued. */
static void fill(struct storekit *k)
{
    storekit_open(k, REVISIT_ALL);
    leave_in_state(k, "http://a.example/f", STATE_FETCHED, REASON_NONE);
    leave_in_state(k, "http://a.example/n", STATE_NOT_MODIFIED, REASON_NONE);
    leave_in_state(k, "http://a.example/x", STATE_FAILED, REASON_NONE);
    leave_in_state(k, "http://a.example/r", STATE_EXCLUDED, REASON_ROBOTS);
    leave_in_state(k, "http://a.example/u", STATE_EXCLUDED, REASON_ROBOTS_UNREACHABLE);
    leave_in_state(k, "http://a.example/d", STATE_EXCLUDED, REASON_DEFERRED);
    leave_in_state(k, "http://a.example/l", STATE_EXCLUDED, REASON_HOST_LIMIT);
    leave_in_state(k, "http://a.example/c", STATE_EXCLUDED, REASON_CONTENT_TYPE);
    leave_in_state(k, "http://a.example/p", STATE_EXCLUDED, REASON_DROPPED);
    storekit_offer_one(k, storekit_offer("http://a.example/q", HOP_LINK, 1));
}

static const char *queued(struct storekit *k, char text[512])
{
    return storekit_text(
        k,
        "SELECT group_concat(letter, '') FROM (SELECT substr(url, -1) AS letter FROM"
        " urls"
        " WHERE state = 'queued' ORDER BY letter)",
        text);
}

enum ending {
    FINISHED,
    STOPPED,
    CRASHED
};

static const struct row {
    const char *label;
    enum ending ending;
    enum store_revisit revisit;
    const char *want;
} rows[] = {
    { "a new run asks for all known pages and what was missed", FINISHED, REVISIT_ALL,
      "dflnqrux" },
    { "a new run over due pages: none is due yet", FINISHED, REVISIT_DUE, "dlqrux" },
    { "--revisit none only finishes what is queued", FINISHED, REVISIT_NONE, "q" },
    { "a stopped run goes on with what was missed", STOPPED, REVISIT_ALL, "dqux" },
    { "a stopped run with --revisit none", STOPPED, REVISIT_NONE, "q" },
    { "a crashed run goes on as it was", CRASHED, REVISIT_ALL, "q" },
};

/* The file as a process that was killed leaves it. */
static void crash_after_fill(struct storekit *k)
{
    pid_t child = fork();

    if (child == 0) {
        fill(k);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

static void start(void **state)
{
    const struct row *row = *state;
    char text[512];

    storekit_init(&kit);
    if (row->ending == CRASHED)
        crash_after_fill(&kit);
    else
        fill(&kit);
    if (row->ending == FINISHED)
        storekit_finish(&kit);
    if (row->ending == STOPPED)
        storekit_stop(&kit, true);
    storekit_open(&kit, row->revisit);
    assert_string_equal(queued(&kit, text), row->want);
    assert_int_equal(kit.run.is_continued, row->ending != FINISHED);
    assert_int_equal(kit.run.was_crash, row->ending == CRASHED);
    assert_int_equal(kit.run.id, row->ending == FINISHED ? 2 : 1);
    assert_true(kit.run.has_known_urls);
    assert_int_equal(
        storekit_int(&kit, "SELECT count(*) FROM state_count c WHERE n <>"
                           " (SELECT count(*) FROM url u WHERE u.state = c.state)"),
        0);
    storekit_clear(&kit);
}

static void note_event(struct storekit *k)
{
    struct store_op *op = store_op_new(STORE_EVENT, MIB);

    op->u.event.level = "info";
    op->u.event.component = "test";
    op->u.event.event = "ran";
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

/* A seed all the time, one that is given up after the second run, one that comes with the last. */
static void run_six_times(struct storekit *k)
{
    for (int run = 1; run <= 6; run++) {
        storekit_open(k, REVISIT_ALL);
        storekit_seed(k, "http://always.example/");
        if (run <= 2)
            storekit_seed(k, "http://once.example/");
        if (run == 6)
            storekit_seed(k, "http://late.example/");
        note_event(k);
        storekit_finish(k);
    }
}

static const char SEEDS_SQL[] = "SELECT group_concat(s.run_id || substr(u.url, 8, 1), ' ') FROM"
                                " (SELECT * FROM seeds ORDER BY url_id, run_id) s JOIN url u ON u.id = s.url_id",
                  EVENTS_SQL[] = "SELECT group_concat(run_id, ' ') FROM events WHERE event = 'ran'";

static void seeds_and_events_of_earlier_runs_stay_without_keep_history(void **state)
{
    struct storekit *k = *state;

    run_six_times(k);
    EXPECT_TEXT(k, SEEDS_SQL, "1a 2a 3a 4a 5a 6a 1o 2o 6l");
    EXPECT_TEXT(k, EVENTS_SQL, "1 2 3 4 5 6");
}

static const char INDEX_SQL[] =
    "SELECT sql || (SELECT count(*) FROM url INDEXED BY url_queue WHERE state = 0) FROM sqlite_schema WHERE name = 'url_queue'";

/* Of many the index is made anew: by the very statement of the schema, and with all of them. */
static void ask_for_very_many(struct storekit *k, enum store_revisit revisit)
{
    char before[512], after[512];
    sqlite3 *db;

    storekit_open(k, REVISIT_ALL);
    storekit_seed(k, "http://a.example/");
    assert_string_equal(storekit_text(k, "SELECT count(*) FROM url WHERE state = 0", before), "1");
    storekit_text(k, INDEX_SQL, before);
    storekit_stop(k, true);
    assert_int_equal(sqlite3_open(k->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "WITH RECURSIVE n(i) AS (VALUES (100) UNION ALL SELECT i + 1 FROM n WHERE i < 60099)"
                     " INSERT INTO url (id, key_hash, host_id, state, reason, depth, redirects, hop, priority, retries,"
                     " run_id, discovered_at, url) SELECT i, i, i % 7, iif(i % 100, 1, 4), iif(i % 100, NULL, 6), 1, 0, 1,"
                     " 0, 0, 1, 0, 'http://b.example/' || i FROM n;"
                     "UPDATE state_count SET n = 59400 WHERE state = 1; UPDATE state_count SET n = 600 WHERE state = 4;"
                     "UPDATE runs SET state = 'finished'",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);

    storekit_open(k, revisit);

    storekit_text(k, INDEX_SQL, after);
    assert_int_equal(strcspn(after, "="), strcspn(before, "="));
    assert_memory_equal(after, before, strcspn(before, "="));
    assert_non_null(strstr(after, "state = 060001"));
    EXPECT_TEXT(k, "SELECT group_concat(state || ':' || n, ' ') FROM state_count WHERE n > 0", "0:60001");
    EXPECT_TEXT(k, "PRAGMA integrity_check", "ok");
    storekit_finish(k);
}

static void of_very_many_pages_the_queue_is_whole_and_counted(void **state)
{
    ask_for_very_many(*state, REVISIT_ALL);
}

static void of_very_many_due_pages_it_is_too(void **state)
{
    ask_for_very_many(*state, REVISIT_DUE);
}

/* A file that cron writes for years holds no more of them than the last runs'. A seed that is none any more counts on. */
static void with_keep_history_those_of_the_last_runs_stay(void **state)
{
    struct storekit *k = *state;

    k->options.keep_history = 3;
    run_six_times(k);
    EXPECT_TEXT(k, SEEDS_SQL, "4a 5a 6a 1o 2o 6l");
    EXPECT_TEXT(k, EVENTS_SQL, "4 5 6");
}

static void a_first_run_is_new_and_empty(void **state)
{
    struct storekit *k = *state;

    storekit_open(k, REVISIT_ALL);
    assert_int_equal(k->run.id, 1);
    assert_false(k->run.is_continued);
    assert_false(k->run.has_known_urls);
    assert_int_equal(k->run.last_ended_ms, 0);
    assert_int_equal(
        storekit_int(
            k,
            "SELECT started_at FROM runs WHERE state = 'running' AND version = 'test'"
            " AND settings = '{}'"),
        STOREKIT_NOW);
}

static void pages_whose_time_has_come_are_due(void **state)
{
    struct storekit *k = *state;
    struct store_run_params params = { .revisit = REVISIT_DUE };
    struct store_run run;
    char text[512];

    storekit_open(k, REVISIT_ALL);
    leave_in_state(k, "http://a.example/f", STATE_FETCHED, REASON_NONE);
    storekit_finish(k);
    /* The interval is a day; a tenth of it early is early enough. */
    assert_int_equal(storekit_try_open(k, NULL), OK);
    params.now_wall_ms = STOREKIT_NOW + INT64_C(24) * 3600 * 1000 * 90 / 100;
    assert_int_equal(store_begin_run(k->store, &params, &run, NULL), OK);
    assert_string_equal(queued(k, text), "f");
}

static void pages_whose_time_has_not_come_are_not(void **state)
{
    struct storekit *k = *state;
    struct store_run_params params = { .revisit = REVISIT_DUE };
    struct store_run run;
    char text[512];

    storekit_open(k, REVISIT_ALL);
    leave_in_state(k, "http://a.example/f", STATE_FETCHED, REASON_NONE);
    storekit_finish(k);
    assert_int_equal(storekit_try_open(k, NULL), OK);
    params.now_wall_ms = STOREKIT_NOW + INT64_C(24) * 3600 * 1000 * 89 / 100;
    assert_int_equal(store_begin_run(k->store, &params, &run, NULL), OK);
    assert_string_equal(queued(k, text), "NULL");
}

static void pages_of_a_clock_that_was_set_back_are_due(void **state)
{
    struct storekit *k = *state;
    struct store_run_params params = { .revisit = REVISIT_DUE };
    struct store_run run;
    char text[512];

    storekit_open(k, REVISIT_ALL);
    leave_in_state(k, "http://a.example/f", STATE_FETCHED, REASON_NONE);
    storekit_finish(k);
    assert_int_equal(storekit_try_open(k, NULL), OK);
    params.now_wall_ms = STOREKIT_NOW - INT64_C(365) * 24 * 3600 * 1000;
    assert_int_equal(store_begin_run(k->store, &params, &run, NULL), OK);
    assert_string_equal(queued(k, text), "f");
}

static void requeued_urls_begin_without_retries(void **state)
{
    struct storekit *k = *state;

    fill(k);
    storekit_finish(k);
    storekit_open(k, REVISIT_ALL);
    assert_int_equal(
        storekit_int(k, "SELECT sum(retries) FROM urls WHERE state = 'queued'"), 0);
    assert_int_equal(
        storekit_int(
            k,
            "SELECT count(*) FROM urls WHERE state = 'queued' AND reason IS NOT NULL"),
        0);
    /*
     * What was deferred waits for its host, whose row says how long; the crawler may
     * defer it again.
     */
    assert_int_equal(
        storekit_int(
            k, "SELECT count(*) FROM urls WHERE state = 'queued' AND next_fetch_at IS"
               " NOT NULL"),
        0);
}

static void a_signal_keeps_the_used_budget(void **state)
{
    struct storekit *k = *state;

    fill(k);
    storekit_stop(k, true);
    storekit_open(k, REVISIT_ALL);
    assert_int_equal(k->run.used_pages,
                     2); /* those that reached fetched or not_modified */
    assert_int_equal(k->run.used_bytes, 9 * 500);
    assert_int_equal(k->run.last_ended_ms, STOREKIT_NOW + 9);
}

static void a_used_up_budget_begins_anew(void **state)
{
    struct storekit *k = *state;

    fill(k);
    storekit_stop(k, false);
    storekit_open(k, REVISIT_ALL);
    assert_int_equal(k->run.used_pages, 0);
    assert_int_equal(k->run.used_bytes, 0);
}

static void a_crash_keeps_the_used_budget(void **state)
{
    struct storekit *k = *state;

    crash_after_fill(k);
    storekit_open(k, REVISIT_ALL);
    assert_int_equal(k->run.used_pages,
                     2); /* those that reached fetched or not_modified */
}

static void the_end_of_a_run_is_written_with_its_sums(void **state)
{
    struct storekit *k = *state;
    char text[512];

    fill(k);
    storekit_finish(k);
    assert_string_equal(
        storekit_text(
            k,
            "SELECT state || ' ' || (finished_at IS NOT NULL) || ' ' || queued || '"
            " ' ||"
            " fetched || ' ' || not_modified || ' ' || failed || ' ' || excluded || ' '"
            " || summary FROM runs",
            text),
        "finished 1 1 1 1 1 6 {\"urls\":1}");
}

static void a_host_count_is_of_the_present_run(void **state)
{
    struct storekit *k = *state;
    struct store_op *op;

    fill(k);
    op = store_op_new(STORE_HOST_LOAD, MIB);
    op->u.host.host_id = 1;
    storekit_do(k, op);
    assert_int_equal(op->u.host.run_pages, 9);
    store_op_free(op);
    storekit_finish(k);
    storekit_open(k, REVISIT_ALL);
    op = store_op_new(STORE_HOST_LOAD, MIB);
    op->u.host.host_id = 1;
    storekit_do(k, op);
    assert_int_equal(op->u.host.run_pages, 0);
    store_op_free(op);
}

static void an_event_is_written_with_its_run(void **state)
{
    struct storekit *k = *state;
    struct store_op *op = store_op_new(STORE_EVENT, MIB);
    char text[512];

    storekit_open(k, REVISIT_ALL);
    op->u.event.level = "warn";
    op->u.event.component = "robots";
    op->u.event.event = "crawl-delay-cut";
    op->u.event.detail = SPAN("90 s counts as 60 s");
    storekit_do(k, op);
    store_op_free(op);
    assert_string_equal(
        storekit_text(k,
                      "SELECT run_id || level || component || event || detail ||"
                      " (url_id IS NULL) FROM events",
                      text),
        "1warnrobotscrawl-delay-cut90 s counts as 60 s1");
}

/* --- deciding again --------------------------------------------------------------- */

static bool allow_depth_and_rename_scope(void *arg, const struct store_excluded *url,
                                         struct store_verdict *out)
{
    int *n_asked = arg;

    (*n_asked)++;
    if (url->reason == REASON_DEPTH && url->depth <= 5)
        *out = (struct store_verdict){ .reason = REASON_NONE };
    else if (url->reason == REASON_SCOPE)
        *out = (struct store_verdict){ .reason = REASON_INCLUDE_EXCLUDE,
                                       .rule = SPAN("--exclude x") };
    else
        *out =
            (struct store_verdict){ .reason = url->reason, .rule = SPAN("as before") };
    return true;
}

static void offer_excluded(struct storekit *k, const char *url, enum url_reason reason,
                           int depth)
{
    struct store_offer o = storekit_offer(url, HOP_LINK, depth);

    o.reason = reason;
    o.rule = SPAN("as before");
    storekit_offer_one(k, o);
}

static void rules_that_changed_are_decided_again(void **state)
{
    struct storekit *k = *state;
    int n_asked = 0;
    char text[512];

    storekit_open(k, REVISIT_ALL);
    offer_excluded(k, "http://a.example/4", REASON_DEPTH, 4);
    offer_excluded(k, "http://a.example/6", REASON_DEPTH, 6);
    offer_excluded(k, "http://b.example/s", REASON_SCOPE, 1);
    offer_excluded(k, "http://a.example/t", REASON_TRAP, 1);
    offer_excluded(k, "http://a.example/r", REASON_ROBOTS, 1);
    storekit_stop(k, true);
    assert_int_equal(storekit_try_open(k, NULL), OK);
    assert_int_equal(
        store_decide_again(k->store, false, allow_depth_and_rename_scope, &n_asked, NULL), OK);
    assert_int_equal(n_asked, 5);
    assert_string_equal(queued(k, text), "4");
    assert_string_equal(
        storekit_text(
            k, "SELECT group_concat(substr(url, -1) || reason || rule) FROM excluded",
            text),
        "6depthas before,sinclude_exclude--exclude x,ttrapas before,rrobotsas before");
    assert_int_equal(storekit_int(k, "SELECT n FROM state_count WHERE state = 0"), 1);
}

static void many_are_decided_again(void **state)
{
    struct storekit *k = *state;
    struct store_op *op = store_op_new(STORE_OFFERS, 64 * MIB);
    int n_asked = 0;

    storekit_open(k, REVISIT_ALL);
    op->u.offers.n_offers = 2500;
    op->u.offers.offers = arena_try_array(&op->mem, 2500, sizeof *op->u.offers.offers);
    for (size_t i = 0; i < 2500; i++) {
        op->u.offers.offers[i] =
            storekit_offer(arena_format(&op->mem, "http://a.example/%zu", i).ptr,
                           HOP_LINK, (int)(i % 10));
        op->u.offers.offers[i].reason = REASON_DEPTH;
    }
    storekit_do(k, op);
    store_op_free(op);
    storekit_stop(k, true);
    assert_int_equal(storekit_try_open(k, NULL), OK);
    assert_int_equal(
        store_decide_again(k->store, false, allow_depth_and_rename_scope, &n_asked, NULL), OK);
    assert_int_equal(n_asked, 2500);
    assert_int_equal(
        storekit_int(k, "SELECT count(*) FROM urls WHERE state = 'queued'"), 1500);
}

static bool go_on_for_three(void *arg, const struct store_excluded *url, struct store_verdict *out)
{
    int *n_asked = arg;

    *out = (struct store_verdict){ .reason = REASON_NONE };
    return url->reason && ++*n_asked <= 3;
}

static void what_was_not_decided_again_is_so_at_the_next_start(void **state)
{
    struct storekit *k = *state;
    int n_asked = 0;

    storekit_open(k, REVISIT_ALL);
    for (int i = 0; i < 5; i++) {
        char url[64];

        snprintf(url, sizeof url, "http://a.example/%d", i);
        offer_excluded(k, url, REASON_DEPTH, 1);
    }
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM meta WHERE name LIKE '%decided_for'"), 2);
    storekit_stop(k, true);
    assert_int_equal(storekit_try_open(k, NULL), OK);
    assert_int_equal(store_decide_again(k->store, false, go_on_for_three, &n_asked, NULL), OK);
    assert_int_equal(n_asked, 4);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM urls WHERE state = 'queued'"), 3);
    assert_int_equal(storekit_int(k, "SELECT n FROM state_count WHERE state = 0"), 3);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM meta WHERE name LIKE '%decided_for'"), 0);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, storekit_tear_down)

int main(void)
{
    struct CMUnitTest tests[27] = {
        WITH_STORE(seeds_and_events_of_earlier_runs_stay_without_keep_history),
        WITH_STORE(of_very_many_pages_the_queue_is_whole_and_counted),
        WITH_STORE(of_very_many_due_pages_it_is_too),
        WITH_STORE(with_keep_history_those_of_the_last_runs_stay),
        WITH_STORE(a_first_run_is_new_and_empty),
        WITH_STORE(pages_whose_time_has_come_are_due),
        WITH_STORE(pages_whose_time_has_not_come_are_not),
        WITH_STORE(pages_of_a_clock_that_was_set_back_are_due),
        WITH_STORE(requeued_urls_begin_without_retries),
        WITH_STORE(a_signal_keeps_the_used_budget),
        WITH_STORE(a_used_up_budget_begins_anew),
        WITH_STORE(a_crash_keeps_the_used_budget),
        WITH_STORE(the_end_of_a_run_is_written_with_its_sums),
        WITH_STORE(a_host_count_is_of_the_present_run),
        WITH_STORE(an_event_is_written_with_its_run),
        WITH_STORE(rules_that_changed_are_decided_again),
        WITH_STORE(many_are_decided_again),
        WITH_STORE(what_was_not_decided_again_is_so_at_the_next_start),
    };
    size_t n = 0;

    while (tests[n].name)
        n++;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[n++] = (struct CMUnitTest){ rows[i].label, start, NULL, NULL,
                                          (void *)(uintptr_t)&rows[i] };
    return _cmocka_run_group_tests("store/runs", tests, n, NULL, NULL);
}
