/* SPDX-License-Identifier: MIT */
/* What the stored links say of URLs that were out of scope, when the scope grows (incoming.h, STORE_OUT_OF_SCOPE). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "tests/kit/storekit.h"

#define FOLLOWED "http://b.example/followed"
#define FORM     "http://b.example/form"
#define BARRED   "http://b.example/barred"

static struct storekit kit;
static int n_automatic; /* indexes that SQLite made for one statement */

static void on_sqlite_log(void *arg, int code, const char *text)
{
    (void)arg;
    (void)text;
    n_automatic += code == SQLITE_WARNING_AUTOINDEX;
}

static struct store_offer link_to(const char *url, int depth)
{
    struct store_offer o = storekit_offer(url, HOP_LINK, depth);

    o.kind = LINK_A;
    o.reason = REASON_SCOPE;
    return o;
}

/* A page at this depth that links to all three, of which one is a form's target and one barred. */
static void visit(struct storekit *k, const char *url, int depth)
{
    struct store_offer page = storekit_offer_one(k, storekit_offer(url, HOP_LINK, depth));
    struct store_op *op = storekit_visit(page.id, page.host_id, depth);
    struct store_offer links[] = { link_to(FOLLOWED, depth + 1), link_to(FORM, depth + 1), link_to(BARRED, depth + 1) };

    links[1].is_kind = true;
    links[2].is_barred = true;
    storekit_page(op, "t", "x", url);
    op->u.visit.links = links;
    op->u.visit.n_links = ARRAY_LEN(links);
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

static int set_up(void **state)
{
    n_automatic = 0;
    storekit_init(&kit);
    storekit_open(&kit, REVISIT_ALL);
    visit(&kit, "http://a.example/deep", 4);
    visit(&kit, "http://a.example/near", 1);
    *state = &kit;
    return 0;
}

static int tear_down(void **state)
{
    storekit_clear(*state);
    return 0;
}

/* All URLs that are out of scope and that a link to be followed leads to. */
static struct store_op *ask(struct storekit *k)
{
    struct store_op *op = store_op_new(STORE_OUT_OF_SCOPE, MIB);

    op->u.out_of_scope.limit = 10;
    op->u.out_of_scope.wants_ways = true;
    storekit_do(k, op);
    return op;
}

static void the_nearest_link_that_may_be_followed_counts(void **state)
{
    struct store_op *op = ask(*state);

    assert_int_equal(op->result, OK);
    assert_int_equal(op->u.out_of_scope.n_items, 1);
    assert_int_equal(op->u.out_of_scope.items[0].id, storekit_id(*state, FOLLOWED));
    assert_int_equal(op->u.out_of_scope.items[0].depth, 2);
    store_op_free(op);
}

/* It would be as large as all links, and take four times as long to make as they take to be read. */
static void no_index_is_made_to_read_all_links_once(void **state)
{
    store_op_free(ask(*state));
    assert_int_equal(n_automatic, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_nearest_link_that_may_be_followed_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_index_is_made_to_read_all_links_once, set_up, tear_down),
    };

    (void)sqlite3_config(SQLITE_CONFIG_LOG, on_sqlite_log, NULL);
    return cmocka_run_group_tests_name("store/incoming", tests, NULL, NULL);
}
