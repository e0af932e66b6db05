/* SPDX-License-Identifier: MIT */
/* What a commit queued comes to the frontier, whichever op it came with (outbox.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sqlite3.h>

#include <cmocka.h>

#include "config/clock.h"
#include "crawler/outbox.h"
#include "tests/kit/incoro.h"
#include "tests/kit/storekit.h"

#define NEAR "http://a.example/near"
#define DEEP "http://a.example/deep"

/* As much of a crawl as takes ops back. */
struct world {
    struct storekit kit;
    struct settings settings;
    struct crawl crawl;
};

static void refill(void *arg, struct host *h, size_t room)
{
    (void)arg;
    (void)h;
    (void)room;
}

static void on_store(void *arg)
{
    (void)arg;
}

/* A page that rose in the end of a start that crashed: with its next commit the store queues what it links to. */
static void leave_work(struct storekit *k)
{
    struct store_offer near;
    struct store_op *op;
    sqlite3 *handle;

    k->options.max_depth = 1;
    storekit_open(k, REVISIT_ALL);
    near = storekit_offer_one(k, storekit_offer(NEAR, HOP_LINK, 1));
    op = storekit_visit(near.id, near.host_id, 1);
    storekit_page(op, "t", "x", NEAR);
    storekit_links(op, (const char *[]){ DEEP, NULL });
    op->u.visit.links[0].offer->reason = REASON_DEPTH;
    storekit_do(k, op);
    store_op_free(op);
    storekit_finish(k);
    assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "UPDATE url SET depth = 0 WHERE url = '" NEAR "';"
                                          " INSERT INTO depth_work (url_id) SELECT id FROM url WHERE depth = 0", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
    storekit_open(k, REVISIT_NONE);
}

static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof *w);
    struct frontier_options options = { ORDER_BFS, 1000, -1 };

    storekit_init(&w->kit);
    leave_work(&w->kit);
    options_set_defaults(&settings_table, &w->settings);
    w->crawl.settings = &w->settings;
    w->crawl.store = w->kit.store;
    assert_int_equal(loop_open(&w->crawl.loop, NULL), OK);
    assert_int_equal(loop_wakeup_open(w->crawl.loop, on_store, NULL, &w->crawl.store_wakeup), OK);
    assert_int_equal(known_open(MIB, &w->crawl.known, NULL), OK);
    w->crawl.frontier = frontier_new(w->crawl.loop, &w->settings, &options, refill, NULL);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    frontier_free(w->crawl.frontier);
    known_close(w->crawl.known);
    loop_wakeup_close(w->crawl.store_wakeup);
    loop_close(w->crawl.loop);
    settings_clear(&w->settings);
    storekit_clear(&w->kit);
    test_free(w);
    return 0;
}

/* The queue was empty when it was read, and is not when the commit that did so is over. */
static void a_row_that_was_queued_behind_a_refill_is_not_lost(void **state)
{
    struct world *w = *state;
    struct store_origin origin = { 1, false, SPAN("a.example"), 80 };
    struct host *h = frontier_host(w->crawl.frontier, &origin, true);

    assert_true(h->is_refilling);
    outbox_refill(&w->crawl, h, 100);
    while (store_pending(w->crawl.store))
        outbox_collect(&w->crawl);
    assert_false(h->is_refilling);
    assert_int_equal(storekit_int(&w->kit, "SELECT count(*) FROM urls WHERE state = 'queued'"), 1);
    assert_int_equal(h->len, 1);
    assert_false(frontier_is_idle(w->crawl.frontier));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_row_that_was_queued_behind_a_refill_is_not_lost, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("crawler/outbox", tests, NULL, NULL);
}
