/* SPDX-License-Identifier: MIT */
/* What the stored links say of URLs that were out of scope, when the scope grows (incoming.h, STORE_OUT_OF_SCOPE). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

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

/* A page at this depth that links to all three, of which one is a form's target and one barred. */
static void visit(struct storekit *k, const char *url, int depth)
{
    struct store_offer page = storekit_offer_one(k, storekit_offer(url, HOP_LINK, depth));
    struct store_op *op = storekit_visit(page.id, page.host_id, depth);

    storekit_page(op, "t", "x", url);
    storekit_links(op, (const char *[]){ FOLLOWED, FORM, BARRED, NULL });
    for (size_t i = 0; i < op->u.visit.n_links; i++)
        op->u.visit.links[i].offer->reason = REASON_SCOPE;
    op->u.visit.links[1].is_kind = true;
    op->u.visit.links[2].is_barred = true;
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

static void change(struct storekit *k, const char *sql)
{
    sqlite3 *handle;

    storekit_close(k);
    assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
    storekit_open(k, REVISIT_NONE);
}

/* All URLs that are out of scope and that a link to be followed leads to. */
static struct store_op *ask(struct storekit *k, const atomic_bool *stop)
{
    struct store_op *op = store_op_new(STORE_OUT_OF_SCOPE, MIB);

    op->u.out_of_scope.limit = 10;
    op->u.out_of_scope.wants_ways = true;
    op->u.out_of_scope.stop = stop;
    storekit_do(k, op);
    return op;
}

static void the_nearest_link_that_may_be_followed_counts(void **state)
{
    struct store_op *op = ask(*state, NULL);

    assert_int_equal(op->result, OK);
    assert_int_equal(op->u.out_of_scope.n_items, 1);
    assert_int_equal(op->u.out_of_scope.items[0].id, storekit_id(*state, FOLLOWED));
    assert_int_equal(op->u.out_of_scope.items[0].depth, 2);
    store_op_free(op);
}

/* It would be as large as all links, and take four times as long to make as they take to be read. */
static void no_index_is_made_to_read_all_links_once(void **state)
{
    store_op_free(ask(*state, NULL));
    assert_int_equal(n_automatic, 0);
}

static void told_to_stop_it_says_so_and_the_next_can_read_all(void **state)
{
    atomic_bool stop = true;
    struct store_op *op = ask(*state, &stop);

    assert_string_equal(err_name(op->result), err_name(ERR_CANCELLED));
    store_op_free(op);
    op = ask(*state, NULL);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

/* Others gave such ids. An array by them would take all memory, as metrics' would. */
static void where_ids_are_far_apart_links_say_nothing(void **state)
{
    struct store_op *op;

    change(*state, "UPDATE url SET id = 4000000000 WHERE id = 1");
    op = ask(*state, NULL);
    assert_int_equal(op->result, OK);
    assert_int_equal(op->u.out_of_scope.n_items, 3);
    store_op_free(op);
}

static void a_page_whose_depth_is_none_is_named(void **state)
{
    struct err_note note = { "" };
    struct store_op *op;

    change(*state, "UPDATE url SET depth = 2147483647 WHERE url = 'http://a.example/near'");
    op = ask(*state, NULL);
    assert_string_equal(err_name(op->result), err_name(ERR_CORRUPT));
    store_failure(kit.store, &note);
    assert_non_null(strstr(note.text, "of url has a value of depth"));
    store_op_free(op);
}

/* Two bytes a URL tell of 65,532 links in a row. */
static void what_is_deeper_than_can_be_told_keeps_its_depth(void **state)
{
    struct store_op *op;

    change(*state, "UPDATE url SET depth = 100000 WHERE url LIKE 'http://a.example/%';"
                   "UPDATE url SET state = 0, reason = NULL, rule = NULL, depth = 100001 WHERE url = '" FOLLOWED "'");
    op = ask(*state, NULL);
    assert_int_equal(op->result, OK);
    assert_false(op->u.out_of_scope.has_risen);
    store_op_free(op);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_nearest_link_that_may_be_followed_counts, set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(no_index_is_made_to_read_all_links_once, set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(told_to_stop_it_says_so_and_the_next_can_read_all, set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(where_ids_are_far_apart_links_say_nothing, set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(a_page_whose_depth_is_none_is_named, set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(what_is_deeper_than_can_be_told_keeps_its_depth, set_up, storekit_tear_down),
    };

    (void)sqlite3_config(SQLITE_CONFIG_LOG, on_sqlite_log, NULL);
    return cmocka_run_group_tests_name("store/incoming", tests, NULL, NULL);
}
