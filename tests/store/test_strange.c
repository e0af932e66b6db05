/* SPDX-License-Identifier: MIT */
/*
 * Files whose rows no crawl has written: a stranger's, or a damaged disk's. A run that continues one ends with an error
 * that names the row, and reads or writes nothing besides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "config/base.h"
#include "tests/kit/storekit.h"

static struct storekit kit;

static void change(const char *sql)
{
    char *error = NULL;
    sqlite3 *handle;

    assert_int_equal(sqlite3_open(kit.path, &handle), SQLITE_OK);
    if (sqlite3_exec(handle, sql, NULL, NULL, &error))
        fail_msg("%s: %s", sql, error);
    sqlite3_close(handle);
}

static void on_origin(void *arg, const struct store_origin *origin)
{
    (void)arg;
    assert_true(origin->id > 0 && origin->port > 0);
}

static bool decide(struct storekit *k, const struct store_excluded *url, struct store_verdict *out)
{
    (void)k;
    assert_in_range(url->hop, 0, N_URL_HOPS - 1);
    assert_in_range(url->reason, 0, N_URL_REASONS - 1);
    *out = (struct store_verdict){ .reason = REASON_NONE };
    return true;
}

static enum err done(struct store_op *op)
{
    enum err e;

    storekit_do(&kit, op);
    e = op->result;
    store_op_free(op);
    return e;
}

static enum err load_host(void)
{
    struct store_op *op = store_op_new(STORE_HOST_LOAD, MIB);

    op->u.host.host_id = 1;
    return done(op);
}

static enum err refill(enum store_order order)
{
    struct store_op *op = store_op_new(STORE_REFILL, MIB);

    op->u.refill.host_id = 1;
    op->u.refill.order = order;
    op->u.refill.from_start = true;
    op->u.refill.limit = 10;
    return done(op);
}

static enum err fetch(void)
{
    struct store_op *op = storekit_visit(1, 1, 0);

    storekit_page(op, "Title", "some text", "another body");
    storekit_links(op, (const char *[]){ "http://a.example/x", "http://a.example/z", NULL });
    return done(op);
}

/* A run as the crawler makes one; the note says what stopped it. */
static enum err go_on(enum store_order order, struct err_note *note)
{
    enum err e = storekit_try_open(&kit, note);

    if (!e)
        e = store_each_queued_host(kit.store, on_origin, NULL, note);
    if (!e)
        e = store_each_sitemap_host(kit.store, false, on_origin, NULL, note);
    if (!e)
        e = storekit_try_begin(&kit, REVISIT_ALL, note);
    if (e)
        return e;
    e = load_host();
    if (!e)
        e = refill(order);
    if (!e)
        e = fetch();
    if (e)
        store_failure(kit.store, note);
    return e;
}

static void make_database(void)
{
    struct store_op *op;

    storekit_init(&kit);
    kit.options.keep_history = 2;
    storekit_open(&kit, REVISIT_ALL);
    storekit_fetch(&kit, storekit_seed(&kit, "http://a.example/"), 0, "body",
                   (const char *[]){ "http://a.example/x", "http://b.example/y", NULL });
    op = store_op_new(STORE_HOST_SAVE, MIB);
    op->u.host = (struct store_host_state){ .host_id = 1,
                                            .crawl_delay_ms = -1,
                                            .has_robots = true,
                                            .robots_fetched_ms = 1,
                                            .robots_expires_ms = 2,
                                            .robots_outcome = SPAN("ok"),
                                            .robots_body = SPAN("User-agent: *") };
    assert_int_equal(done(op), OK);
    op = store_op_new(STORE_OFFERS, MIB);
    op->u.offers.sitemap_url = SPAN("http://a.example/sitemap.xml");
    op->u.offers.sitemap_outcome = SPAN("ok");
    op->u.offers.sitemap_host_id = 1;
    assert_int_equal(done(op), OK);
    storekit_finish(&kit);
    kit.rules = "others";
    kit.decide = decide;
}

static const struct strange {
    const char *label, *sql;
    const char *words; /* of the error; NULL: there is none */
    enum store_order order;
} files[] = {
    { "what a crawl has written", "SELECT 1", NULL, ORDER_BFS },
    { "a URL in a state beyond the last", "UPDATE url SET state = 200 WHERE id = 1", "row 1 of url has a value of state", ORDER_BFS },
    { "a URL in a state before the first", "UPDATE url SET state = -1 WHERE id = 1", "row 1 of url has a value of state", ORDER_BFS },
    { "a link's target in a state that is a text", "UPDATE url SET state = 'lost' WHERE id = 2",
      "row 2 of url has a value of state", ORDER_BFS },
    { "a reason beyond the last", "UPDATE url SET state = 4, reason = 99 WHERE id = 2", "row 2 of url has a value of reason",
      ORDER_BFS },
    { "a reason of a queued URL", "UPDATE url SET state = 0, reason = 99 WHERE id = 2", "row 2 of url has a value of reason",
      ORDER_BFS },
    { "a hop that is none", "UPDATE url SET hop = 99", "row 1 of url has a value of hop", ORDER_BFS },
    { "a depth from which none goes deeper", "UPDATE url SET depth = 2147483647", "row 1 of url has a value of depth", ORDER_BFS },
    { "a depth below the seeds'", "UPDATE url SET depth = -1", "row 1 of url has a value of depth", ORDER_BFS },
    { "a priority that comes back as a smaller one", "UPDATE url SET priority = 4294967296 WHERE id = 1",
      "row 1 of url has a value of priority", ORDER_BFS },
    { "a priority between two numbers", "UPDATE url SET priority = 0.5 WHERE id = 1", "row 1 of url has a value of priority",
      ORDER_BFS },
    { "a priority above all numbers", "UPDATE url SET priority = 'x'", "a priority that is no number", ORDER_DFS },
    { "a moment before all times", "UPDATE url SET next_fetch_at = -9223372036854775808, state = 0",
      "row 1 of url has a value of next_fetch_at", ORDER_BFS },
    { "tries without number", "UPDATE url SET retries = 9223372036854775807 WHERE state = 0",
      "row 2 of url has a value of retries", ORDER_BFS },
    { "an interval that is a blob", "UPDATE url SET interval_ms = x'ff' WHERE id = 1", "row 1 of url has a value of interval_ms",
      ORDER_BFS },
    { "a port that is another one's", "UPDATE hosts SET port = 65616", "row 1 of hosts has a value of port", ORDER_BFS },
    { "failures below none", "UPDATE hosts SET failures = -1", "row 1 of hosts has a value of failures", ORDER_BFS },
    { "a back-off without end", "UPDATE hosts SET backoff_until = 9223372036854775807",
      "row 1 of hosts has a value of backoff_until", ORDER_BFS },
    { "rules from before all times", "UPDATE robots SET expires_at = -9223372036854775808",
      "row 1 of robots has a value of expires_at", ORDER_BFS },
    { "counts whose sum is none", "UPDATE state_count SET n = 9223372036854775807", "of state_count has a value of n", ORDER_BFS },
    { "a budget that is more than used up", "UPDATE runs SET state = 'stopped', used_pages = 9223372036854775807",
      "row 1 of runs has a value of used_pages", ORDER_BFS },
    { "a latest request before all times", "UPDATE runs SET last_request_at = -9223372036854775808",
      "before all times", ORDER_BFS },
    { "a fetch of a run before the first", "UPDATE fetch SET run_id = -9223372036854775808", "row 1 of fetch has a value of run_id",
      ORDER_BFS },
};

static void continued(void **state)
{
    const struct strange *f = *state;
    struct err_note note = { "" };
    enum err e;

    make_database();
    change(f->sql);
    e = go_on(f->order, &note);
    if (f->words && !strstr(note.text, f->words))
        fail_msg("'%s' lacks '%s'", note.text, f->words);
    assert_string_equal(err_name(e), err_name(f->words ? ERR_CORRUPT : OK));
    storekit_clear(&kit);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(files)];

    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        tests[i] = (struct CMUnitTest){ files[i].label, continued, NULL, NULL, (void *)(uintptr_t)&files[i] };
    return cmocka_run_group_tests_name("store/strange", tests, NULL, NULL);
}
