/* SPDX-License-Identifier: MIT */
/* The queue of a host: order, windows, parking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/kit/storekit.h"

static int64_t add(struct storekit *k, const char *url, int depth, int priority)
{
    struct store_offer o = storekit_offer(url, HOP_LINK, depth);

    o.priority = priority;
    return storekit_offer_one(k, o).id;
}

/* Six URLs whose last letter says their place in each order. */
static int64_t fill(struct storekit *k)
{
    add(k, "http://a.example/c", 2, 0);
    add(k, "http://a.example/a", 1, 0);
    add(k, "http://a.example/d", 2, 0);
    add(k, "http://a.example/b", 1, 0);
    add(k, "http://a.example/z", 0, 5);
    add(k, "http://a.example/0", 9, -3);
    return storekit_int(k, "SELECT id FROM hosts");
}

/* The last letters of what refills give, limit at a time, following the cursor. */
static const char *read_all(struct storekit *k, int64_t host_id, enum store_order order,
                            size_t limit, char *out)
{
    struct store_op *op = storekit_refill(k, host_id, order, limit);
    size_t n = 0;

    for (;;) {
        const struct store_item *last = NULL;
        struct store_op *next;

        assert_true(op->u.refill.n_items <= limit);
        for (size_t i = 0; i < op->u.refill.n_items; i++) {
            last = &op->u.refill.items[i];
            out[n++] = last->url.ptr[last->url.len - 1];
        }
        if (!op->u.refill.has_more)
            break;
        next = store_op_new(STORE_REFILL, MIB);
        next->u.refill.host_id = host_id;
        next->u.refill.order = order;
        next->u.refill.limit = limit;
        next->u.refill.after_priority = last->priority;
        next->u.refill.after_depth = last->depth;
        next->u.refill.after_id = last->id;
        storekit_do(k, next);
        store_op_free(op);
        op = next;
    }
    store_op_free(op);
    out[n] = '\0';
    return out;
}

static void bfs_is_priority_then_depth_then_first_seen(void **state)
{
    struct storekit *k = *state;
    int64_t host = fill(k);
    char text[32];

    assert_string_equal(read_all(k, host, ORDER_BFS, 100, text), "0abcdz");
    assert_string_equal(read_all(k, host, ORDER_BFS, 1, text), "0abcdz");
    assert_string_equal(read_all(k, host, ORDER_BFS, 4, text), "0abcdz");
}

static void dfs_is_priority_then_deepest_and_last_seen(void **state)
{
    struct storekit *k = *state;
    int64_t host = fill(k);
    char text[32];

    assert_string_equal(read_all(k, host, ORDER_DFS, 100, text), "0dcbaz");
    assert_string_equal(read_all(k, host, ORDER_DFS, 1, text), "0dcbaz");
    assert_string_equal(read_all(k, host, ORDER_DFS, 4, text), "0dcbaz");
}

static void priority_order_is_priority_then_first_seen(void **state)
{
    struct storekit *k = *state;
    int64_t host = fill(k);
    char text[32];

    assert_string_equal(read_all(k, host, ORDER_PRIORITY, 100, text), "0cadbz");
    assert_string_equal(read_all(k, host, ORDER_PRIORITY, 2, text), "0cadbz");
}

static void each_host_has_its_own_queue(void **state)
{
    struct storekit *k = *state;
    int64_t host = fill(k);
    char text[32];

    add(k, "http://b.example/q", 0, 0);
    assert_string_equal(read_all(k, host, ORDER_BFS, 100, text), "0abcdz");
    assert_string_equal(read_all(k, host + 1, ORDER_BFS, 100, text), "q");
    assert_string_equal(read_all(k, host + 2, ORDER_BFS, 100, text), "");
}

static void an_exact_window_has_no_more(void **state)
{
    struct storekit *k = *state;
    struct store_op *op = storekit_refill(k, fill(k), ORDER_BFS, 6);

    assert_int_equal(op->u.refill.n_items, 6);
    assert_false(op->u.refill.has_more);
    store_op_free(op);
}

static void a_window_too_small_for_its_texts_has_more(void **state)
{
    struct storekit *k = *state;
    struct store_op *op =
        store_op_new(STORE_REFILL, 10 * sizeof(struct store_item) + 80);

    op->u.refill.host_id = fill(k);
    op->u.refill.from_start = true;
    op->u.refill.limit = 9;
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    assert_in_range(op->u.refill.n_items, 1, 4);
    assert_true(op->u.refill.has_more);
    store_op_free(op);
}

static void an_item_has_what_a_request_needs(void **state)
{
    struct storekit *k = *state;
    struct store_offer o = storekit_offer("https://a.example:444/x", HOP_REDIRECT, 4);
    struct store_op *op;
    struct store_item *item;

    o.redirects = 2;
    o.priority = 7;
    o = storekit_offer_one(k, o);
    op = storekit_visit(o.id, o.host_id, 4);
    op->u.visit.state = STATE_QUEUED;
    op->u.visit.outcome = "timeout";
    op->u.visit.retries = 1;
    op->u.visit.next_fetch_ms = STOREKIT_NOW + 5000;
    storekit_do(k, op);
    store_op_free(op);

    op = storekit_refill(k, o.host_id, ORDER_BFS, 10);
    item = op->u.refill.items;
    assert_int_equal(op->u.refill.n_items, 1);
    assert_true(span_eq(item->url, SPAN("https://a.example:444/x")));
    assert_int_equal(item->id, o.id);
    assert_int_equal(item->host_id, o.host_id);
    assert_int_equal(item->depth, 4);
    assert_int_equal(item->priority, 7);
    assert_int_equal(item->redirects, 2);
    assert_int_equal(item->retries, 1);
    assert_int_equal(item->hop, HOP_REDIRECT);
    assert_int_equal(item->next_fetch_ms, STOREKIT_NOW + 5000);
    assert_int_equal(item->etag.len, 0);
    store_op_free(op);
}

static void validators_are_those_of_the_content_we_hold(void **state)
{
    struct storekit *k = *state;
    int64_t id = storekit_seed(k, "http://a.example/");
    struct store_op *op = storekit_visit(id, 1, 0);

    storekit_page(op, "t", "x", "body");
    op->u.visit.etag = SPAN("\"v1\"");
    op->u.visit.last_modified = SPAN("Sat, 21 Nov 2026 00:00:00 GMT");
    storekit_do(k, op);
    store_op_free(op);
    /* A later failure brings no content: the validators stay. */
    storekit_finish(k);
    storekit_open(k, REVISIT_ALL);
    op = storekit_visit(id, 1, 0);
    op->u.visit.state = STATE_QUEUED;
    op->u.visit.outcome = "http_error";
    op->u.visit.etag = SPAN("\"error\"");
    storekit_do(k, op);
    store_op_free(op);

    op = storekit_refill(k, 1, ORDER_BFS, 10);
    assert_true(span_eq(op->u.refill.items[0].etag, SPAN("\"v1\"")));
    assert_true(span_eq(op->u.refill.items[0].last_modified,
                        SPAN("Sat, 21 Nov 2026 00:00:00 GMT")));
    store_op_free(op);
}

static struct store_op *park(struct storekit *k, enum store_op_kind kind, int64_t host,
                             enum url_reason reason)
{
    struct store_op *op = store_op_new(kind, MIB);

    op->u.park.host_id = host;
    op->u.park.reason = reason;
    op->u.park.rule = SPAN("Retry-After: 7200");
    op->u.park.next_fetch_ms = STOREKIT_NOW + 7200000;
    storekit_do(k, op);
    return op;
}

static void parking_takes_all_of_a_host_and_no_other(void **state)
{
    struct storekit *k = *state;
    int64_t host = fill(k);
    struct store_op *op;
    char text[512];

    add(k, "http://b.example/q", 0, 0);
    op = park(k, STORE_HOST_PARK, host, REASON_DEFERRED);
    assert_int_equal(op->u.park.n_parked, 6);
    store_op_free(op);
    assert_string_equal(read_all(k, host, ORDER_BFS, 100, text), "");
    assert_string_equal(read_all(k, host + 1, ORDER_BFS, 100, text), "q");
    assert_string_equal(
        storekit_text(k,
                      "SELECT group_concat(DISTINCT reason || ' ' || rule || ' ' ||"
                      " (next_fetch_at > 0)) FROM urls"
                      " WHERE state = 'excluded'",
                      text),
        "deferred Retry-After: 7200 1");
    assert_int_equal(storekit_int(k, "SELECT n FROM state_count WHERE state = 4"), 6);
}

static void offers_after_parking_see_the_new_state(void **state)
{
    struct storekit *k = *state;
    int64_t host = fill(k);
    struct store_offer o;

    store_op_free(park(k, STORE_HOST_PARK, host, REASON_DEFERRED));
    o = storekit_offer_one(k, storekit_offer("http://a.example/a", HOP_LINK, 1));
    assert_int_equal(o.state, STATE_EXCLUDED);
    assert_int_equal(o.state_reason, REASON_DEFERRED);
}

/* Saves a robots.txt; returns how many URLs were queued again. */
static int64_t save_robots(struct storekit *k, int64_t host, const char *outcome,
                           const char *body)
{
    struct store_op *op = store_op_new(STORE_HOST_SAVE, 10000);
    int64_t n;

    op->u.host = (struct store_host_state){ .host_id = host,
                                            .crawl_delay_ms = -1,
                                            .has_robots = true,
                                            .robots_outcome = span_str(outcome),
                                            .robots_body = span_str(body) };
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    n = op->u.host.n_requeued;
    store_op_free(op);
    return n;
}

static void another_robots_txt_brings_back_what_the_one_before_excluded(void **state)
{
    struct storekit *k = *state;
    int64_t host = fill(k);
    char text[32];

    assert_int_equal(save_robots(k, host, "ok", "Disallow: /"), 0);
    store_op_free(park(k, STORE_HOST_PARK, host, REASON_ROBOTS));
    add(k, "http://a.example/n", 0, 0);
    store_op_free(park(k, STORE_HOST_PARK, host, REASON_DEFERRED));
    assert_int_equal(save_robots(k, host, "ok", "Disallow: /"), 0);
    assert_int_equal(save_robots(k, host, "ok", "Disallow: /x"), 6);
    assert_string_equal(read_all(k, host, ORDER_BFS, 100, text), "0abcdz");
    assert_int_equal(storekit_int(k, "SELECT n FROM state_count WHERE state = 0"), 6);
}

static void who_could_not_be_read_brings_back_when_it_can(void **state)
{
    struct storekit *k = *state;
    int64_t host = fill(k);

    assert_int_equal(save_robots(k, host, "ok", "Disallow: /"), 0);
    store_op_free(park(k, STORE_HOST_PARK, host, REASON_ROBOTS));
    assert_int_equal(save_robots(k, host, "unreachable", ""), 0);
    assert_int_equal(save_robots(k, host, "no_rules", ""), 6); /* the text of none is the same */
}

static void count_host(void *arg, const struct store_origin *origin)
{
    char *out = arg;

    snprintf(out + strlen(out), 64, "%d %.*s %u;", origin->is_https,
             SPAN_ARG(origin->host), origin->port);
}

static void only_hosts_with_queued_urls_are_shown_at_a_start(void **state)
{
    struct storekit *k = *state;
    char text[256] = "";

    fill(k);
    add(k, "https://b.example:444/q", 0, 0);
    store_op_free(park(k, STORE_HOST_PARK, 1, REASON_DROPPED));
    storekit_stop(k, true);
    assert_int_equal(storekit_try_open(k, NULL), OK);
    assert_int_equal(store_each_queued_host(k->store, count_host, text, NULL), OK);
    assert_string_equal(text, "1 b.example 444;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bfs_is_priority_then_depth_then_first_seen,
                                        storekit_set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(dfs_is_priority_then_deepest_and_last_seen,
                                        storekit_set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(priority_order_is_priority_then_first_seen,
                                        storekit_set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(each_host_has_its_own_queue, storekit_set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(an_exact_window_has_no_more, storekit_set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(a_window_too_small_for_its_texts_has_more,
                                        storekit_set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(an_item_has_what_a_request_needs, storekit_set_up,
                                        storekit_tear_down),
        cmocka_unit_test_setup_teardown(validators_are_those_of_the_content_we_hold,
                                        storekit_set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(parking_takes_all_of_a_host_and_no_other,
                                        storekit_set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(offers_after_parking_see_the_new_state, storekit_set_up,
                                        storekit_tear_down),
        cmocka_unit_test_setup_teardown(
            another_robots_txt_brings_back_what_the_one_before_excluded, storekit_set_up,
            storekit_tear_down),
        cmocka_unit_test_setup_teardown(who_could_not_be_read_brings_back_when_it_can,
                                        storekit_set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(
            only_hosts_with_queued_urls_are_shown_at_a_start, storekit_set_up, storekit_tear_down),
    };

    return cmocka_run_group_tests_name("store/queue", tests, NULL, NULL);
}
